import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { toValidationError } from '../../../src/http/validation-error.ts'
import { NullableText, OneOf, Strict } from '../../../src/http/wire.ts'

const schema = Strict({
  name: Type.String({ minLength: 1, maxLength: 5 }),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 9 })),
  state: Type.Optional(OneOf(['active', 'paused'])),
  choice: Type.Optional(Type.Union([Type.Literal('a'), Type.Literal('b')])),
  note: Type.Optional(NullableText({ maxLength: 3 })),
  deep: Type.Optional(Strict({ list: Type.Array(Type.String(), { maxItems: 1 }) })),
  code: Type.Optional(Type.String({ pattern: '^[a-z]+$' })),
  map: Type.Optional(Type.Record(Type.String(), Type.String(), { maxProperties: 1 })),
})
const check = TypeBoxValidatorCompiler({ schema, method: 'POST', url: '', httpPart: 'body' })

test.each([
  [{}, 'missing_field', 'name', 'Send name.'],
  [{ name: 'a', nam: 1 }, 'unknown_field', 'nam', undefined],
  [{ name: 'a', deep: {} }, 'missing_field', 'deep.list', 'Send deep.list.'],
  [{ name: 'a', deep: { list: [], x: 1 } }, 'unknown_field', 'deep.x', undefined],
  [{ name: 5 }, 'invalid_field', 'name', 'Send a text.'],
  [{ name: '' }, 'invalid_field', 'name', 'Send a text that is not empty.'],
  [{ name: 'toolong' }, 'field_too_long', 'name', 'Send a text of at most 5 characters.'],
  [{ name: 'a', limit: 0 }, 'invalid_field', 'limit', 'Send a number of at least 1.'],
  [{ name: 'a', limit: 1.5 }, 'invalid_field', 'limit', 'Send a whole number.'],
  [{ name: 'a', state: 'x' }, 'invalid_field', 'state', 'Send one of active, paused.'],
  [{ name: 'a', choice: 'x' }, 'invalid_field', 'choice', 'Send one of a, b.'],
  [{ name: 'a', note: 5 }, 'invalid_field', 'note', 'Send a text or null.'],
  [{ name: 'a', deep: { list: ['a', 'b'] } }, 'invalid_field', 'deep.list', 'Send a list of at most 1.'],
  [{ name: 'a', deep: { list: [5] } }, 'invalid_field', 'deep.list.0', 'Send a text.'],
  [{ name: 'a', map: { 'a/b': 5 } }, 'invalid_field', 'map.a/b', 'Send a text.'],
  [{ name: 'a', map: { a: '', b: '' } }, 'invalid_field', 'map', 'Send an object with at most 1 names.'],
  [{ name: 'a', code: '5' }, 'invalid_field', 'code', 'Send a value of the form that /docs shows.'],
  [undefined, 'malformed', undefined, 'Send a JSON object with content-type application/json.'],
  [[], 'malformed', undefined, 'Send a JSON object with content-type application/json.'],
])('%j is told as %s %s', (body, code, field, fix) => {
  const result = check(body) as { error: Parameters<typeof toValidationError>[0] }
  const error = toValidationError(result.error)
  expect([error.code, error.field]).toEqual([code, field])
  if (fix !== undefined) expect(error.fix).toBe(fix)
})

import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import type { FastifySchemaValidationError } from 'fastify'
import type { Static, TSchema } from 'typebox'
import { AppError } from '../kit/app-error.ts'

type Failure = Pick<FastifySchemaValidationError, 'keyword' | 'instancePath' | 'params'>

/** Turns what the schema found into the code, field and fix that a caller is told. Only the first problem is told. */
export function toValidationError(failures: readonly Failure[]): AppError {
  const failure = mostTelling(failures)
  if (failure === undefined) return new AppError('invalid_field')
  const path = failure.instancePath.split('/').slice(1).map(unescapePointer)
  if (failure.keyword === 'required') {
    const [missing = ''] = listOf(failure.params.requiredProperties)
    const field = [...path, missing].join('.')
    return new AppError('missing_field', { message: `${field} is missing.`, field, fix: `Send ${field}.` })
  }
  if (failure.keyword === 'additionalProperties') {
    const [unknown = ''] = listOf(failure.params.additionalProperties)
    const field = [...path, unknown].join('.')
    return new AppError('unknown_field', { message: `There is no field ${field}.`, field })
  }
  if (path.length === 0)
    return new AppError('malformed', {
      message: 'The body is not a JSON object.',
      fix: 'Send a JSON object with content-type application/json.',
    })
  const field = path.join('.')
  const wanted = explain(failure, failures)
  const code = failure.keyword === 'maxLength' ? 'field_too_long' : 'invalid_field'
  return new AppError(code, { message: `${field} is not ${wanted}.`, field, fix: `Send ${wanted}.` })
}

/** For bodies whose parts are checked one by one. The check throws AppError as the route's own schema would. */
export function createCheck<Schema extends TSchema>(schema: Schema): (value: unknown) => Static<Schema> {
  const validate = TypeBoxValidatorCompiler({ schema, method: 'POST', url: '', httpPart: 'body' })
  return (value) => {
    const { error } = validate(value) as { error?: readonly Failure[] }
    if (error !== undefined) throw toValidationError(error)
    return value as Static<Schema>
  }
}

/** An unknown name comes with an error about its value, a union with one per branch: the summary is the one to tell. */
function mostTelling(failures: readonly Failure[]): Failure | undefined {
  const tells = (keyword: string): Failure | undefined => failures.find((one) => one.keyword === keyword)
  const first = failures[0]
  if (first?.keyword === 'boolean') return tells('additionalProperties') ?? first
  if (first?.keyword === 'const') return tells('anyOf') ?? first
  return first
}

function explain({ keyword, params, instancePath }: Failure, failures: readonly Failure[]): string {
  switch (keyword) {
    case 'type':
      return listOf(params.type).map(typeName).join(' or ')
    case 'minLength':
      return params.limit === 1 ? 'a text that is not empty' : `a text of at least ${params.limit} characters`
    case 'maxLength':
      return `a text of at most ${params.limit} characters`
    case 'minimum':
      return `a number of at least ${params.limit}`
    case 'maximum':
      return `a number of at most ${params.limit}`
    case 'minItems':
      return `a list of at least ${params.limit}`
    case 'maxItems':
      return `a list of at most ${params.limit}`
    case 'maxProperties':
      return `an object with at most ${params.limit} names`
    case 'enum':
      return `one of ${listOf(params.allowedValues).join(', ')}`
    case 'const':
    case 'anyOf':
      return `one of ${allowedConstants(instancePath, failures).join(', ')}`
    default:
      return 'a value of the form that /docs shows'
  }
}

const allowedConstants = (path: string, failures: readonly Failure[]): string[] =>
  failures
    .filter((one) => one.keyword === 'const' && one.instancePath === path)
    .map((one) => String(one.params.allowedValue))

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'a text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
}

const typeName = (type: string): string => TYPE_NAMES[type] ?? type

const listOf = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).map((one) => (one === null ? 'null' : String(one)))

const unescapePointer = (segment: string): string => segment.replaceAll('~1', '/').replaceAll('~0', '~')

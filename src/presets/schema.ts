import { type Static, Type } from 'typebox'
import { PresetSchema } from '../../config/presets/preset.ts'
import { NullableText, OneOf, Page, Strict } from '../http/wire.ts'

const LISTED_MAX = 100
const Word = Type.String({ minLength: 1, maxLength: 128 })
const Phrase = Type.String({ minLength: 1, maxLength: 500 })
const Macro = Type.String({ minLength: 3, maxLength: 500 })
const Scalar = Type.Unsafe<string | number | boolean | null>({
  type: ['string', 'number', 'boolean', 'null'],
  maxLength: 500,
})

const Recognise = Strict({
  host: Type.Optional(
    Type.String({ minLength: 4, maxLength: 253, description: 'track.example.com, or *.example.com' }),
  ),
  path: Type.Optional(
    Type.String({ pattern: '^/', maxLength: 500, description: '* is one segment, a leading ** any number' }),
  ),
  parameters: Type.Optional(Type.Array(Word, { minItems: 1, maxItems: 20 })),
})

const Parameter = Strict({
  name: Word,
  macro: Macro,
  need: OneOf(['required', 'recommended', 'optional']),
  also: Type.Optional(Type.Array(Word, { maxItems: 20 })),
  mistaken: Type.Optional(Type.Array(Word, { maxItems: 20 })),
  length_max: Type.Optional(Type.Integer({ minimum: 1 })),
  case_sensitive: Type.Optional(Type.Boolean()),
  without: Type.Optional(Phrase),
})

const Status = Strict({
  parameter: Word,
  words: Type.Array(Word, { maxItems: 50 }),
  map: NullableText({ maxLength: 500 }),
})

const Refusal = Strict({
  word: Type.String({ pattern: '^[a-z][a-z0-9_]{1,39}$', description: 'kept as the error of the attempt' }),
  status: Type.Optional(Type.Array(Type.Integer({ minimum: 200, maximum: 299 }), { maxItems: 20 })),
  contains: Type.Optional(Type.String({ minLength: 1, maxLength: 500, description: 'ignoring case' })),
  equals: Type.Optional(Type.String({ maxLength: 500 })),
  json: Type.Optional(
    Strict({
      path: Type.String({ pattern: '^[\\w-]{1,64}(\\.[\\w-]{1,64}){0,15}$' }),
      equals: Type.Optional(Scalar),
      notEquals: Type.Optional(Scalar),
    }),
  ),
  requireBody: Type.Optional(Type.Boolean()),
})

const Reversal = Strict({
  by_postback: Type.Boolean(),
  how: Phrase,
  caveat: Type.Optional(Phrase),
  needs: Type.Optional(Type.Array(Strict({ parameter: Word, macro: Macro }), { maxItems: 20 })),
})

const fields = {
  title: Word,
  method: Type.Optional(OneOf(['GET', 'POST'], { default: 'GET' })),
  example: Type.Optional(NullableText({ maxLength: 8192 })),
  recognise: Type.Optional(Type.Array(Recognise, { maxItems: 20 })),
  click_id_parameter: Type.Optional(NullableText({ minLength: 1, maxLength: 128 })),
  parameters: Type.Optional(Type.Array(Parameter, { maxItems: LISTED_MAX })),
  status: Type.Optional(Type.Unsafe<Static<typeof Status> | null>({ ...Status, type: ['object', 'null'] })),
  refusals: Type.Optional(Type.Array(Refusal, { maxItems: 50 })),
  dedup: Type.Optional(Phrase),
  replay: Type.Optional(Strict({ safe: OneOf(['yes', 'no', 'depends']), effect: Phrase })),
  reversal: Type.Optional(Reversal),
  test_parameters: Type.Optional(
    Type.Record(Type.String(), Type.String({ maxLength: 128 }), { maxProperties: 20 }),
  ),
  limits: Type.Optional(Type.Array(Phrase, { maxItems: LISTED_MAX })),
}

export const NewPreset = Strict({
  name: Type.String({ pattern: '^[a-z][a-z0-9_]{1,39}$' }),
  ...fields,
})
export type NewPreset = Static<typeof NewPreset>

export const PresetPatch = Strict({ ...fields, title: Type.Optional(Word) })
export type PresetPatch = Static<typeof PresetPatch>

export const PresetParams = Strict({ name: Type.String({ minLength: 1, maxLength: 40 }) })

export const PresetAnswer = Type.Object({
  ...PresetSchema.properties,
  built_in: Type.Boolean({ description: 'comes with the program and can not be changed' }),
})
export type PresetWire = Static<typeof PresetAnswer>
export const PresetList = Page(PresetAnswer)

import { Type } from 'typebox'
import { ErrorObject } from '../http/wire.ts'
import { CANONICAL_FIELDS } from './field-names.ts'
import { DryRun, Understood } from './postback-schema.ts'

const Value = Type.Unsafe<unknown>({ type: ['string', 'number', 'null'] })

const Conversion = Type.Object({
  advertiser_id: Type.String({ description: 'id or external_id' }),
  ...Object.fromEntries(CANONICAL_FIELDS.map((field) => [field, Type.Optional(Value)])),
  params: Type.Optional(Type.Record(Type.String(), Value)),
})

const Result = Type.Object({
  result: Type.Optional(Type.String({ description: 'accepted, duplicate or parked' })),
  reason: Type.Optional(Type.String({ description: 'why it is parked' })),
  conversion_id: Type.Optional(Type.String()),
  revision: Type.Optional(Type.Integer()),
  note: Type.Optional(Type.String()),
  error: Type.Optional(ErrorObject),
})

/** For the OpenAPI document; fields are checked by the same rules as those of /postback, so that a bad item refuses itself only. */
export const CONVERSIONS_SCHEMA = {
  tags: ['intake'],
  summary: 'Report one conversion, or up to 1,000 as data',
  body: Type.Union([Conversion, Type.Object({ data: Type.Array(Conversion, { maxItems: 1000 }) })]),
  querystring: Type.Object({ dry_run: DryRun }),
  response: {
    200: Type.Union([Result, Type.Object({ results: Type.Array(Result) }), Understood]),
    202: Result,
  },
}

import { type Static, Type } from 'typebox'
import { CONVERSION_STATUSES } from '../catalogue/catalogue.ts'
import { ExternalId, NullableText, OneOf, Strict } from '../http/wire.ts'
import { encodeId } from '../kit/ids.ts'
import type { AdvertiserRow } from './store.ts'

const MAP_ENTRIES_MAX = 200

const Answer = Strict({
  format: Type.Optional(OneOf(['json', 'text'])),
  always_200: Type.Optional(Type.Boolean()),
})

const fields = {
  external_id: Type.Optional(ExternalId),
  name: Type.String({ minLength: 1, maxLength: 128 }),
  param_map: Type.Optional(
    Type.Record(Type.String(), Type.String({ minLength: 1, maxLength: 128 }), {
      maxProperties: MAP_ENTRIES_MAX,
      description: "our field -> the advertiser's parameter",
    }),
  ),
  status_map: Type.Optional(
    Type.Record(Type.String(), OneOf(CONVERSION_STATUSES), {
      maxProperties: MAP_ENTRIES_MAX,
      description: "the advertiser's word -> ours",
    }),
  ),
  timezone: Type.Optional(Type.String({ minLength: 1, maxLength: 64, default: 'UTC' })),
  ip_allowlist: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { maxItems: 1000 })),
  signing_secret: Type.Optional(
    NullableText({ minLength: 16, maxLength: 256, description: 'write-only; read as true' }),
  ),
  rate_limit: Type.Optional(Type.Unknown({ description: 'not available yet' })),
  answer: Type.Optional(Answer),
}

export const NewAdvertiser = Strict(fields)
export type NewAdvertiser = Static<typeof NewAdvertiser>

export const AdvertiserPatch = Strict({
  ...fields,
  name: Type.Optional(fields.name),
  archived: Type.Optional(Type.Boolean()),
})
export type AdvertiserPatch = Static<typeof AdvertiserPatch>

const OVERLAP_DEFAULT_S = 86_400
const OVERLAP_MAX_S = 30 * 86_400

export const RotateToken = Strict({
  overlap_seconds: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: OVERLAP_MAX_S,
      default: OVERLAP_DEFAULT_S,
      description: 'how long the old token goes on',
    }),
  ),
})

export const readOverlapSeconds = (body: Static<typeof RotateToken>): number =>
  body.overlap_seconds ?? OVERLAP_DEFAULT_S

export const Advertiser = Type.Object({
  id: Type.String(),
  external_id: NullableText({ maxLength: 64 }),
  name: Type.String(),
  param_map: Type.Record(Type.String(), Type.String()),
  status_map: Type.Record(Type.String(), OneOf(CONVERSION_STATUSES)),
  timezone: Type.String(),
  ip_allowlist: Type.Array(Type.String()),
  signing_secret: Type.Unsafe<true | null>({ enum: [true, null] }),
  rate_limit: Type.Null(),
  answer: Answer,
  token: Type.Optional(Type.String({ description: 'in the answers to POST and rotate-token only' })),
  previous_token_until: NullableText({ maxLength: 40 }),
  archived_at: NullableText({ maxLength: 40 }),
  created_at: Type.String(),
  updated_at: Type.String(),
})
export type AdvertiserWire = Static<typeof Advertiser>

export const toWire = (row: AdvertiserRow): AdvertiserWire => ({
  id: encodeId('advertiser', row.id),
  external_id: row.external_id,
  name: row.name,
  param_map: row.param_map,
  status_map: row.status_map,
  timezone: row.timezone,
  ip_allowlist: row.ip_allowlist,
  signing_secret: row.signing_secret === null ? null : true,
  rate_limit: null,
  answer: row.answer,
  previous_token_until: row.previous_token_until?.toISOString() ?? null,
  archived_at: row.archived_at?.toISOString() ?? null,
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
})

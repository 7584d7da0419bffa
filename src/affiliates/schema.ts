import { type Static, Type } from 'typebox'
import { SUB_NAMES } from '../clicks/subs.ts'
import { ExternalId, NullableText, OneOf, Strict } from '../http/wire.ts'
import { encodeId } from '../kit/ids.ts'
import type { AffiliateRow } from './store.ts'

const CLICK_ID_PLACES = ['click_id', ...SUB_NAMES] as const

const fields = {
  external_id: Type.Optional(ExternalId),
  name: Type.String({ minLength: 1, maxLength: 128 }),
  email: Type.Optional(NullableText({ minLength: 3, maxLength: 254 })),
  click_id_from: Type.Optional(OneOf(CLICK_ID_PLACES, { default: 'click_id' })),
  state: Type.Optional(OneOf(['active', 'blocked'], { default: 'active' })),
}

export const NewAffiliate = Strict(fields)
export type NewAffiliate = Static<typeof NewAffiliate>

export const AffiliatePatch = Strict({
  ...fields,
  name: Type.Optional(fields.name),
  archived: Type.Optional(Type.Boolean()),
})
export type AffiliatePatch = Static<typeof AffiliatePatch>

export const Affiliate = Type.Object({
  id: Type.String(),
  external_id: NullableText({ maxLength: 64 }),
  name: Type.String(),
  email: NullableText({ maxLength: 254 }),
  click_id_from: Type.String({ description: "where this affiliate's links carry its click id" }),
  state: OneOf(['active', 'blocked']),
  archived_at: NullableText({ maxLength: 40 }),
  created_at: Type.String(),
  updated_at: Type.String(),
})
export type AffiliateWire = Static<typeof Affiliate>

export const toWire = (row: AffiliateRow): AffiliateWire => ({
  id: encodeId('affiliate', row.id),
  external_id: row.external_id,
  name: row.name,
  email: row.email,
  click_id_from: row.click_id_from,
  state: row.state,
  archived_at: row.archived_at?.toISOString() ?? null,
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
})

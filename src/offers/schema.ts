import { type Static, Type } from 'typebox'
import { CONVERSION_STATUSES, type PayoutOverride, type PayoutRule } from '../catalogue/catalogue.ts'
import { LIST_QUERY } from '../http/noun-routes.ts'
import { ExternalId, NullableText, OneOf, Strict } from '../http/wire.ts'
import { encodeId } from '../kit/ids.ts'
import { formatAmount } from '../kit/money.ts'
import type { OfferRow } from './store.ts'

const STATES = ['active', 'paused'] as const
const TYPES = ['fixed', 'percent', 'passthrough'] as const

const Amount = Type.Unsafe<string | number | null>({
  type: ['string', 'number', 'null'],
  maxLength: 64,
  description: 'a decimal string',
})
const Name = Type.String({ minLength: 1, maxLength: 128 })
const Reference = Type.String({ minLength: 1, maxLength: 64 })

const Payout = Strict({
  type: OneOf(TYPES),
  value: Type.Optional(Amount),
  currency: Type.Optional(Type.String({ minLength: 3, maxLength: 4, description: 'required' })),
})

const Override = Strict({
  affiliate_id: Type.Optional(NullableText({ minLength: 1, maxLength: 64 })),
  event: Type.Optional(NullableText({ minLength: 1, maxLength: 128 })),
  type: OneOf(TYPES),
  value: Type.Optional(Amount),
  currency: Type.Optional(NullableText({ minLength: 3, maxLength: 4 })),
})

const fields = {
  external_id: Type.Optional(ExternalId),
  advertiser_id: Reference,
  name: Name,
  landing_url: Type.Optional(NullableText({ minLength: 1, maxLength: 4096 })),
  payout: Payout,
  overrides: Type.Optional(Type.Array(Override, { maxItems: 1000 })),
  attribution_window_days: Type.Optional(Type.Integer({ minimum: 1, maximum: 3650, default: 30 })),
  default_status: Type.Optional(OneOf(CONVERSION_STATUSES, { default: 'approved' })),
  events: Type.Optional(Type.Array(Name, { maxItems: 200 })),
  shared: Type.Optional(
    Type.Array(Name, {
      maxItems: 200,
      description: 'what affiliates may see: sale_amount, ip, user_agent, param:NAME, click_param:NAME',
    }),
  ),
  state: Type.Optional(OneOf(STATES, { default: 'active' })),
}

export const NewOffer = Strict(fields)
export type NewOffer = Static<typeof NewOffer>

export const OfferPatch = Strict({
  ...fields,
  advertiser_id: Type.Optional(Reference),
  name: Type.Optional(Name),
  payout: Type.Optional(Payout),
  archived: Type.Optional(Type.Boolean()),
})
export type OfferPatch = Static<typeof OfferPatch>

export const OfferQuery = Strict({ ...LIST_QUERY, advertiser_id: Type.Optional(Reference) })

const Text = Type.Optional(Type.String())
const PayoutAnswer = Type.Object({ type: OneOf(TYPES), value: Text, currency: Type.String() })

export const Offer = Type.Object({
  id: Type.String(),
  external_id: NullableText({ maxLength: 64 }),
  advertiser_id: Type.String(),
  name: Type.String(),
  landing_url: NullableText({ maxLength: 4096 }),
  payout: PayoutAnswer,
  overrides: Type.Array(
    Type.Object({ affiliate_id: Text, event: Text, type: OneOf(TYPES), value: Text, currency: Text }),
  ),
  attribution_window_days: Type.Integer(),
  default_status: OneOf(CONVERSION_STATUSES),
  events: Type.Array(Type.String()),
  shared: Type.Array(Type.String()),
  state: OneOf(STATES),
  archived_at: NullableText({ maxLength: 40 }),
  created_at: Type.String(),
  updated_at: Type.String(),
})
export type OfferWire = Static<typeof Offer>

export const toWire = (row: OfferRow): OfferWire => ({
  id: encodeId('offer', row.id),
  external_id: row.external_id,
  advertiser_id: encodeId('advertiser', row.advertiser_id),
  name: row.name,
  landing_url: row.landing_url,
  payout: toWirePayout(row.payout),
  overrides: row.overrides.map((override) => toWireOverride(override, row.payout.currency)),
  attribution_window_days: row.attribution_window_days,
  default_status: row.default_status,
  events: row.events,
  shared: row.shared,
  state: row.state,
  archived_at: row.archived_at?.toISOString() ?? null,
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
})

const toWirePayout = (rule: PayoutRule): OfferWire['payout'] => ({
  ...rule,
  ...(rule.type === 'fixed' &&
    rule.value !== undefined && { value: formatAmount(rule.value, rule.currency) }),
})

function toWireOverride(override: PayoutOverride, currency: string): OfferWire['overrides'][number] {
  const { affiliate_id, ...rest } = override
  return {
    ...(affiliate_id !== undefined && { affiliate_id: encodeId('affiliate', affiliate_id) }),
    ...rest,
    ...(rest.type === 'fixed' &&
      rest.value !== undefined && { value: formatAmount(rest.value, rest.currency ?? currency) }),
  }
}

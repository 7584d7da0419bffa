import { type Static, Type } from 'typebox'
import { PAGE_QUERY } from '../http/pagination.ts'
import { NullableText, OneOf, Page, Strict } from '../http/wire.ts'
import { DELIVERY_STATES } from './delivery-states.ts'

const Id = Type.String({ minLength: 1, maxLength: 128 })
const ClickId = Type.String({ minLength: 1, maxLength: 500 })

/** Filters that deliveries and conversions share. */
export const TEXT_FILTERS = {
  click_id: Type.Optional(ClickId),
  transaction_id: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  q: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 500,
      description: 'exact or prefix of any id, never a substring',
    }),
  ),
}

export const DeliveryQuery = Strict({
  ...PAGE_QUERY,
  ...TEXT_FILTERS,
  state: Type.Optional(
    Type.String({ maxLength: 200, description: `comma-separated: ${DELIVERY_STATES.join(', ')}` }),
  ),
  reason: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  affiliate_click_id: Type.Optional(ClickId),
  affiliate_id: Type.Optional(Id),
  destination_id: Type.Optional(Id),
  offer_id: Type.Optional(Id),
  advertiser_id: Type.Optional(Id),
  conversion_id: Type.Optional(Id),
  http_status: Type.Optional(Type.Integer({ minimum: 100, maximum: 999 })),
  error: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
})
export type DeliveryQuery = Static<typeof DeliveryQuery>

const Text = NullableText({ maxLength: 500 })
const Amount = NullableText({ maxLength: 30, description: 'decimal' })
const Time = NullableText({ maxLength: 30, description: 'RFC 3339, UTC' })
const Nullable = <T>(schema: object) => Type.Unsafe<T | null>({ anyOf: [schema, { type: 'null' }] })

const LastAttempt = Type.Object({
  http_status: Nullable<number>({ type: 'integer' }),
  verdict: Text,
  error: Text,
  at: Time,
})

export const Delivery = Type.Object({
  id: Type.String(),
  state: OneOf(DELIVERY_STATES),
  reason: Text,
  conversion_id: Type.String(),
  revision: Type.Integer(),
  event: Text,
  status: Type.String(),
  advertiser_id: Type.String(),
  offer_id: Type.String(),
  affiliate_id: Type.String(),
  destination_id: Type.String(),
  click_id: Text,
  affiliate_click_id: Text,
  transaction_id: Text,
  payout: Amount,
  currency: Text,
  attempts_count: Type.Integer(),
  due_at: Time,
  last: Nullable<Static<typeof LastAttempt>>(LastAttempt),
  delivered_at: Time,
  confirmation: Type.Optional(
    OneOf(['none'] as const, { description: 'sent; the receiver never says whether it took it' }),
  ),
  test: Type.Boolean(),
  created_at: Type.String(),
  updated_at: Type.String(),
})
export type DeliveryWire = Static<typeof Delivery>
export const DeliveryPage = Page(Delivery)

export const RecordedRequest = Type.Object({
  method: Type.String(),
  url: Type.String(),
  headers: Type.Record(Type.String(), Type.String()),
  body: Text,
})
const RecordedResponse = Type.Object({
  status: Type.Integer(),
  headers: Type.Record(Type.String(), Type.String()),
  body: Text,
  truncated: Type.Optional(Type.Boolean()),
})
const Timings = Type.Record(Type.String(), Nullable<number>({ type: 'number' }))

export const Attempt = Type.Object({
  number: Type.Integer(),
  id: Type.String(),
  started_at: Type.String(),
  request: Nullable<Static<typeof RecordedRequest>>(RecordedRequest),
  response: Nullable<Static<typeof RecordedResponse>>(RecordedResponse),
  timings_ms: Nullable<Static<typeof Timings>>(Timings),
  remote_ip: Text,
  verdict: Type.String(),
  error: Text,
  destination_version: Type.Integer(),
  replay_id: Type.Optional(Type.String()),
  late: Type.Optional(
    Type.Boolean({
      description: 'the outcome came after the lease: a second send of this attempt may exist',
    }),
  ),
})
export type AttemptWire = Static<typeof Attempt>

export const DeliveryDetail = Type.Object({
  ...Delivery.properties,
  attempts: Type.Array(Attempt),
  curl: NullableText({ maxLength: 100_000, description: 'makes the last call again; secrets masked' }),
})
export type DeliveryDetailWire = Static<typeof DeliveryDetail>

export const ReplayBody = Strict({
  render: Type.Optional(OneOf(['current', 'original'] as const, { default: 'current' })),
})

const DuplicateRisk = Type.Object({ code: Type.String(), message: Type.String() })

export const Replay = Type.Object({
  replay_id: Type.String(),
  delivery_id: Type.String(),
  state: OneOf(DELIVERY_STATES),
  duplicate_risk: Type.Array(DuplicateRisk),
})
export type ReplayWire = Static<typeof Replay>

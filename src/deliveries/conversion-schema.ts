import { type Static, Type } from 'typebox'
import { CONVERSION_STATUSES } from '../catalogue/catalogue.ts'
import { PAGE_QUERY } from '../http/pagination.ts'
import { NullableText, OneOf, Page, Strict } from '../http/wire.ts'
import { DELIVERY_STATES } from './delivery-states.ts'
import { TEXT_FILTERS } from './schema.ts'

const Id = Type.String({ minLength: 1, maxLength: 128 })

export const ConversionQuery = Strict({
  ...PAGE_QUERY,
  ...TEXT_FILTERS,
  advertiser_id: Type.Optional(Id),
  affiliate_id: Type.Optional(Id),
  offer_id: Type.Optional(Id),
  status: Type.Optional(OneOf(CONVERSION_STATUSES)),
})
export type ConversionQuery = Static<typeof ConversionQuery>

const Text = NullableText({ maxLength: 4096 })

/** Where a conversion's fan-out stands. */
const FANOUT = ['done', 'parked', 'unattributed', 'waiting'] as const
export type Fanout = (typeof FANOUT)[number]

export const Conversion = Type.Object({
  id: Type.String(),
  advertiser_id: Type.String(),
  offer_id: Text,
  affiliate_id: Text,
  transaction_id: Text,
  event: Type.String(),
  click_id: Text,
  affiliate_click_id: Text,
  attributed_by: Text,
  status: OneOf(CONVERSION_STATUSES),
  payout: Text,
  currency: Text,
  sale_amount: Text,
  reported: Type.Record(Type.String(), Type.Unknown()),
  revision: Type.Integer(),
  fanout: OneOf(FANOUT),
  note: Text,
  subs: Type.Record(Type.String(), Type.String()),
  params: Type.Record(Type.String(), Type.String()),
  clicked_at: Text,
  occurred_at: Type.String(),
  created_at: Type.String(),
  updated_at: Type.String(),
})
export type ConversionWire = Static<typeof Conversion>
export const ConversionPage = Page(Conversion)

const RevisionDecision = Type.Object({
  destination_id: Type.String(),
  delivery_id: Type.String(),
  state: OneOf(DELIVERY_STATES),
  reason: Text,
})

const Revision = Type.Object({
  revision: Type.Integer(),
  status: OneOf(CONVERSION_STATUSES),
  previous_status: Text,
  payout: Text,
  currency: Text,
  sale_amount: Text,
  reported: Type.Record(Type.String(), Type.Unknown()),
  occurred_at: Type.String(),
  inbound_call_id: Text,
  fanned_out: Type.Boolean(),
  note: Text,
  decisions: Type.Array(RevisionDecision),
  created_at: Type.String(),
})
export type RevisionWire = Static<typeof Revision>

export const ConversionDetail = Type.Object({ ...Conversion.properties, revisions: Type.Array(Revision) })
export type ConversionDetailWire = Static<typeof ConversionDetail>

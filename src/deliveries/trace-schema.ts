import { type Static, Type } from 'typebox'
import { OneOf, Strict } from '../http/wire.ts'
import { toWire as toCallWire } from '../intake/inbound-schema.ts'
import { encodeId } from '../kit/ids.ts'
import { Conversion } from './conversion-schema.ts'
import { toDeliveryWire } from './delivery-wire.ts'
import { toConversionWire } from './find-conversions.ts'
import { Delivery } from './schema.ts'
import { TRACE_CODES } from './trace-facts.ts'
import type { Trace } from './trace-id.ts'
import type { ClickRow } from './trace-store.ts'
import { judgeTrace } from './trace-verdict.ts'

export const TraceQuery = Strict({
  id: Type.String({
    minLength: 1,
    maxLength: 500,
    description: 'any id of ours, click id, affiliate click id or transaction id; whole',
  }),
})

const Click = Type.Object({
  id: Type.String(),
  click_id: Type.String(),
  affiliate_id: Type.String(),
  offer_id: Type.String(),
  affiliate_click_id: Type.Unsafe<string | null>({ type: ['string', 'null'] }),
  clicked_at: Type.String(),
  created_at: Type.String(),
})

export const TraceAnswer = Type.Object({
  inbound_calls: Type.Array(Type.Unsafe<ReturnType<typeof toCallWire>>({ type: 'object' })),
  clicks: Type.Array(Click),
  conversions: Type.Array(Conversion),
  deliveries: Type.Array(Delivery),
  verdict: Type.Object({ code: OneOf(TRACE_CODES), sentence: Type.String(), fix: Type.String() }),
})

export const toTraceWire = (trace: Trace): Static<typeof TraceAnswer> => ({
  inbound_calls: trace.calls.map(toCallWire),
  clicks: trace.clicks.map(toClickWire),
  conversions: trace.conversions.map(toConversionWire),
  deliveries: trace.deliveries.map((row) => toDeliveryWire(row)),
  verdict: judgeTrace(trace.facts),
})

const toClickWire = (row: ClickRow): Static<typeof Click> => ({
  id: encodeId('click', row.id),
  click_id: row.click_id,
  affiliate_id: encodeId('affiliate', row.affiliate_id),
  offer_id: encodeId('offer', row.offer_id),
  affiliate_click_id: row.affiliate_click_id,
  clicked_at: row.clicked_at.toISOString(),
  created_at: row.created_at.toISOString(),
})

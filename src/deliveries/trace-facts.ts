import type { InboundResult } from '../intake/inbound-parts.ts'
import type { Fanout } from './conversion-schema.ts'
import type { ShownState } from './delivery-states.ts'

/** What was found for the id that somebody asked about; every list newest first. Ids are as on the wire. */
export type TraceFacts = {
  id: string
  /** Set where the id is that of one call or one delivery: then that one is meant. */
  named: { callId: string | null; deliveryId: string | null }
  clicks: readonly TracedClick[]
  calls: readonly TracedCall[]
  conversions: readonly TracedConversion[]
  deliveries: readonly TracedDelivery[]
}

export type TracedClick = { clickId: string; clickedAt: Date }

export type TracedCall = {
  id: string
  result: InboundResult
  httpStatus: number
  code: string | null
  message: string | null
  field: string | null
  conversionId: string | null
  createdAt: Date
  reprocessedAt: Date | null
}

export type TracedConversion = {
  id: string
  event: string
  status: string
  clickId: string | null
  fanout: Fanout
  /** Why it was not fanned out as usual, e.g. `offer_of_other_advertiser`. */
  note: string | null
  createdAt: Date
}

export type TracedDelivery = {
  id: string
  conversionId: string
  destinationId: string
  /** As support knows it: name and host. */
  tracker: string
  /** Its good answers prove nothing. */
  unconfirmed?: boolean
  revision: number
  event: string
  status: string
  state: ShownState
  reason: string | null
  affiliateClickId: string | null
  attemptsCount: number
  firstAttemptAt: Date | null
  lastAttemptAt: Date | null
  lastHttpStatus: number | null
  lastError: string | null
  /** Beginning of the body of the last answer. */
  lastAnswer: string | null
  deliveredAt: Date | null
  dueAt: Date | null
  createdAt: Date
}

export const TRACE_CODES = [
  'never_reported',
  'quarantined',
  'duplicate',
  'parked',
  'unattributed',
  'waiting',
  'no_destination',
  'skipped',
  'held',
  'scheduled',
  'retrying',
  'refused',
  'failed',
  'delivered',
  'superseded',
  'cancelled',
] as const
export type TraceCode = (typeof TRACE_CODES)[number]

/** The answer to "the tracker does not show it": what happened, and what to do. */
export type TraceVerdict = { code: TraceCode; sentence: string; fix: string }

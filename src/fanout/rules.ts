import type { Affiliate, ConversionStatus, Destination, Offer } from '../catalogue/catalogue.ts'
import { cannotReverse } from '../destinations/reversal.ts'
import type { Uuid } from '../kit/ids.ts'
import { type Decimal, isSameAmount } from '../kit/money.ts'

/** Why a destination does not hear of a revision, in the order in which the rules are asked. */
export type SkipReason =
  | 'affiliate_blocked'
  | 'affiliate_archived'
  | 'attribution_window_over'
  | 'offer_archived'
  | 'offer_not_selected'
  | 'event_not_selected'
  | 'status_not_selected'
  | 'nothing_changed'
  | 'amount_not_selected'
  | 'event_too_old'
  | 'tracker_cannot_reverse'
  | 'other_destination_took_it'
  | 'no_affiliate_click_id'

export type Decision = { send: true } | { send: false; reason: SkipReason }

/** Where an earlier delivery of the same conversion and destination is now. */
export type Place =
  /** In `due`: can still be superseded. */
  | 'waiting'
  /** In a live batch. */
  | 'travelling'
  /** Delivered, or given up for whatever reason. */
  | 'ended'

export type EarlierDelivery = {
  id: Uuid
  destinationId: Uuid
  revision: number
  status: ConversionStatus
  payout: Decimal | null
  currency: string | null
  saleAmount: Decimal | null
  place: Place
  /** The tracker has it, or may have it: delivered once, or on the wire. */
  heard: boolean
  /** Skipped because its tracker has the conversion all the same. */
  hadIt?: boolean
}

export type RuleInput = {
  affiliate: Affiliate
  offer: Offer
  destination: Destination
  event: string
  windowOver: boolean
  revision: Pick<EarlierDelivery, 'status' | 'payout' | 'currency' | 'saleAmount'>
  /** Number of the newest earlier revision with another status; 0 if there is none. */
  otherStatusRevision: number
  earlier: readonly EarlierDelivery[]
  /** True where a destination that is no fallback takes this revision. */
  takenByOther: boolean
  clickIdMissing: boolean
  /** Older than what the receiver takes. */
  tooOld?: boolean
}

const skip = (reason: SkipReason): Decision => ({ send: false, reason })

/** Whether one destination hears of one revision; the first rule that applies gives the reason. */
export function decideDestination(input: RuleInput): Decision {
  const { affiliate, offer, destination, event } = input
  const { definition } = destination
  if (affiliate.archived) return skip('affiliate_archived')
  if (affiliate.state === 'blocked') return skip('affiliate_blocked')
  if (input.windowOver) return skip('attribution_window_over')
  if (offer.archived) return skip('offer_archived')
  if (!coversOffer(destination, offer.id)) return skip('offer_not_selected')
  if (!selectsEvent(definition.events, event)) return skip('event_not_selected')
  if (!definition.statuses.includes(input.revision.status)) return skip('status_not_selected')
  const unchanged = unchangedReason(input)
  if (unchanged !== null) return skip(unchanged)
  if (input.tooOld === true) return skip('event_too_old')
  if (input.revision.status === 'rejected' && cannotReverse(definition)) return skip('tracker_cannot_reverse')
  if (definition.fallback && input.takenByOther) return skip('other_destination_took_it')
  if (input.clickIdMissing) return skip('no_affiliate_click_id')
  return { send: true }
}

/** A destination without offer_ids covers every offer. */
export const coversOffer = (destination: Destination, offerId: Uuid): boolean =>
  destination.definition.offer_ids.length === 0 || destination.definition.offer_ids.includes(offerId)

const selectsEvent = (events: readonly string[], event: string): boolean =>
  events.length === 0 || events.some((selected) => selected.toLowerCase() === event)

/**
 * Null where the tracker has not heard this status since the last other one, an amount changed that it wants to hear, or a
 * change still waits that would be its last word otherwise.
 */
function unchangedReason(input: RuleInput): 'nothing_changed' | 'amount_not_selected' | null {
  const { revision, earlier, otherStatusRevision } = input
  const heard = earlier.filter((one) => one.heard)
  const same = heard.filter((one) => one.status === revision.status && one.revision > otherStatusRevision)
  const last = same.reduce<EarlierDelivery | null>(
    (a, b) => (a === null || b.revision > a.revision ? b : a),
    null,
  )
  if (last === null || earlier.some((one) => one.place === 'waiting' && one.revision > last.revision))
    return null
  const amountChanged = !isSamePayout(last, revision) || !isSameAmount(last.saleAmount, revision.saleAmount)
  if (!amountChanged) return 'nothing_changed'
  return input.destination.definition.changes.includes('amount') ? null : 'amount_not_selected'
}

type Payout = Pick<EarlierDelivery, 'payout' | 'currency'>

const isSamePayout = (a: Payout, b: Payout): boolean =>
  isSameAmount(a.payout, b.payout) && (b.payout === null || a.currency === b.currency)

/** Skipped for these, an older delivery with the same status stands for the newer one. */
export const isSaidByOlder = (reason: SkipReason): boolean =>
  reason === 'nothing_changed' || reason === 'amount_not_selected'

/** Skipped for these, a destination has the conversion all the same. */
const HAS_IT: readonly SkipReason[] = ['nothing_changed', 'amount_not_selected', 'tracker_cannot_reverse']

export const meansItHadIt = (reason: string | null): boolean =>
  (HAS_IT as readonly (string | null)[]).includes(reason)

/** A destination that would have sent, or already did, keeps fallbacks quiet. */
export const tookIt = (decision: Decision): boolean => decision.send || meansItHadIt(decision.reason)

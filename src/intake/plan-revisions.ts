import type { Affiliate, Catalogue, Destination, Offer } from '../catalogue/catalogue.ts'
import { type FanOutPlan, fanOut, hasNoDestination } from '../fanout/fan-out.ts'
import { payoutOf } from '../fanout/payout.ts'
import type { EarlierDelivery } from '../fanout/rules.ts'
import { uuidTimeMs } from '../kit/ids.ts'
import { isWindowOver } from './attribution.ts'
import type { Attribution, Conversion, Revision } from './conversion.ts'
import { isClickIdMissing, isEventTooOld } from './rule-facts.ts'

export type Forgotten = Pick<EarlierDelivery, 'revision' | 'status' | 'payout' | 'currency' | 'saleAmount'>

/** A conversion as it is stored, with all that its next revision depends on. */
export type StoredConversion = {
  conversion: Conversion
  /** In order; fanned: its deliveries exist. */
  revisions: readonly (Revision & { fanned: boolean })[]
  deliveries: readonly EarlierDelivery[]
  /** Its state, where the revision that made it so is past its retention with its deliveries. */
  forgotten: Forgotten | null
}

/** What one report, or one settled conversion, writes. */
export type ConversionPlan = {
  conversion: Conversion
  inserted: PlannedRevision[]
  /** Stored revisions that are fanned out only now. */
  settled: PlannedRevision[]
  fanOut: FanOutPlan
  /** The row of `unsettled` after this: kept or made (a reason), or removed (null). */
  unsettled: string | null
}

/** fanoutCount null: waits in unsettled. */
export type PlannedRevision = Revision & { fanoutCount: number | null }

export const WINDOW_OVER = 'attribution_window_over'
export const UNKNOWN_CLICK = 'unknown_click'

/**
 * Prices and fans out every revision of a conversion that is not fanned out yet: the given new ones and, where the
 * attribution has only now become known, the stored ones before them. Without an attribution they wait.
 */
export function planRevisions(
  input: { catalogue: Catalogue },
  stored: StoredConversion,
  added: readonly Revision[],
): ConversionPlan {
  const isNew = added[0]?.revision === 1
  const earning = earningParts(input.catalogue, stored.conversion.attribution)
  const unfanned = stored.revisions.filter((revision) => !revision.fanned)
  if (earning === null) {
    const inserted = added.map((revision) => ({ ...revision, fanoutCount: null }))
    return {
      conversion: stored.conversion,
      inserted,
      settled: [],
      fanOut: emptyPlan(),
      unsettled: UNKNOWN_CLICK,
    }
  }
  const conversion = withWindowNote(stored.conversion, earning.offer, [...unfanned, ...(isNew ? added : [])])
  const unpriced = [...unfanned, ...added]
  const defaulted = unfanned.length > 0 ? withDefaultStatus(unpriced, earning.offer) : unpriced
  const priced = defaulted.map((revision) => priceRevision(revision, conversion, earning))
  const plan = fanOutRevisions({ stored: { ...stored, conversion }, priced, ...earning })
  const counted = priced.map((revision) => ({ ...revision, fanoutCount: countOf(plan, revision) }))
  return {
    conversion: newest(conversion, counted),
    inserted: counted.slice(unfanned.length),
    settled: counted.slice(0, unfanned.length),
    fanOut: plan,
    unsettled: null,
  }
}

type EarningParts = { offer: Offer; affiliate: Affiliate; destinations: readonly Destination[] }

function earningParts(catalogue: Catalogue, attribution: Attribution | null): EarningParts | null {
  if (attribution === null) return null
  const offer = catalogue.offer(attribution.offerId)
  const affiliate = catalogue.affiliate(attribution.affiliateId)
  if (!offer || !affiliate)
    throw new Error('attributed to an offer or affiliate that the catalogue does not hold')
  return { offer, affiliate, destinations: catalogue.destinationsOf(affiliate.id) }
}

/** The window is checked once, for the first revision; the note keeps the answer for the later ones. */
function withWindowNote(conversion: Conversion, offer: Offer, first: readonly Revision[]): Conversion {
  const [revision] = first
  if (!revision || conversion.attribution === null) return conversion
  return isWindowOver(conversion.attribution, offer, revision.occurredAt)
    ? { ...conversion, note: WINDOW_OVER }
    : conversion
}

const emptyPlan = (): FanOutPlan => ({ deliveries: [], superseded: [], successors: [] })

/** While parked the offer was unknown: a status nobody stated, then or now, is the offer's default once it is known. */
const withDefaultStatus = <R extends Revision>(revisions: readonly R[], offer: Offer): R[] => {
  let previous: Revision['previousStatus'] = null
  return revisions.map((revision) => {
    const status = revision.reported.status ?? offer.defaultStatus
    const defaulted = { ...revision, status, previousStatus: previous }
    previous = status
    return defaulted
  })
}

function priceRevision(
  revision: Revision,
  conversion: Conversion,
  { offer, affiliate, destinations }: EarningParts,
): Revision {
  const { payout, currency, note } = payoutOf({
    offer,
    affiliateId: affiliate.id,
    event: conversion.event,
    reported: revision.reported,
  })
  const fanOutNote = hasNoDestination(destinations, offer.id) ? 'no_destination' : note
  return { ...revision, payout, currency, note: conversion.note ?? fanOutNote }
}

function fanOutRevisions(
  input: EarningParts & { stored: StoredConversion; priced: readonly Revision[] },
): FanOutPlan {
  const { stored, priced } = input
  const { conversion } = stored
  const pricedNumbers = new Set(priced.map((revision) => revision.revision))
  const all = [...stored.revisions.filter((revision) => !pricedNumbers.has(revision.revision)), ...priced]
  return fanOut({
    ...input,
    event: conversion.event,
    windowOver: conversion.note === WINDOW_OVER,
    history: all,
    revisions: priced,
    earlier: [...toldOf(input.destinations, stored.forgotten), ...stored.deliveries],
    clickIdMissing: (destination, status) => isClickIdMissing(destination, conversion, status),
    tooOld: (destination, { id, status, occurredAt = conversion.occurredAt }) =>
      isEventTooOld(destination, { status, occurredAt }, uuidTimeMs(id)),
    idTimeMs: (revision) => uuidTimeMs(revision.id),
  })
}

/** Who selects the status counts as told: to repeat it as a new sale would be worse than to miss one. */
const toldOf = (destinations: readonly Destination[], forgotten: Forgotten | null): EarlierDelivery[] =>
  destinations.flatMap(({ id, definition }) =>
    forgotten !== null && definition.statuses.includes(forgotten.status)
      ? [{ ...forgotten, id: '', destinationId: id, place: 'ended', heard: true }]
      : [],
  )

const countOf = (plan: FanOutPlan, revision: Revision): number =>
  plan.deliveries.filter((delivery) => delivery.revisionId === revision.id).length

/** The conversion shows its newest revision. */
function newest(conversion: Conversion, revisions: readonly Revision[]): Conversion {
  const last = revisions.at(-1)
  if (!last) return conversion
  return {
    ...conversion,
    status: last.status,
    payout: last.payout,
    currency: last.currency,
    saleAmount: last.saleAmount,
  }
}

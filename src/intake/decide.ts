import type { Affiliate, Catalogue, Destination, Offer } from '../catalogue/catalogue.ts'
import { compileDestination } from '../destinations/compile.ts'
import { isTooOld } from '../destinations/event-time.ts'
import { type FanOutPlan, fanOut, hasNoDestination } from '../fanout/fan-out.ts'
import { payoutOf } from '../fanout/payout.ts'
import type { EarlierDelivery } from '../fanout/rules.ts'
import { AppError } from '../kit/app-error.ts'
import { newUuid, type Uuid, uuidTimeMs } from '../kit/ids.ts'
import { attribute, type Click, isWindowOver } from './attribution.ts'
import type { Attribution, Conversion, Revision } from './conversion.ts'
import type { Identity } from './identity.ts'
import type { IntakeOutcome } from './intake.ts'
import { mergeReport, type RecentReport, rememberReport, statementOf } from './merge.ts'
import type { Report } from './report.ts'

/** A conversion as it is stored, with all that its next revision depends on. */
export type StoredConversion = {
  conversion: Conversion
  /** In order; fanned: its deliveries exist. */
  revisions: readonly (Revision & { fanned: boolean })[]
  deliveries: readonly EarlierDelivery[]
}

/** A report beside what its key row says. `stored` is null where the key is new. */
export type DecideInput = {
  catalogue: Catalogue
  identity: Identity
  report: Report
  hash: string
  recent: readonly RecentReport[]
  conversionId: Uuid
  stored: StoredConversion | null
  click: Click | undefined
  /** When the call came, if it is processed again. */
  receivedAt: Date | undefined
  nowMs: number
}

/** What one report, or one settled conversion, writes. */
export type ConversionPlan = {
  conversion: Conversion
  isNew: boolean
  inserted: PlannedRevision[]
  /** Stored revisions that are fanned out only now. */
  settled: PlannedRevision[]
  fanOut: FanOutPlan
  /** The row of `unsettled` after this: kept or made (a reason), or removed (null). */
  unsettled: string | null
}

/** fanoutCount null: waits in unsettled. */
export type PlannedRevision = Revision & { fanoutCount: number | null }

export type ItemPlan = {
  outcome: IntakeOutcome
  /** Null where nothing is remembered: the report was refused. */
  recent: RecentReport[] | null
  plan: ConversionPlan | null
}

export const WINDOW_OVER = 'attribution_window_over'
const UNKNOWN_CLICK = 'unknown_click'

/** Decides one report. Pure; a report that can not be right becomes a refusal, any other error is a bug. */
export function decideReport(input: DecideInput): ItemPlan {
  try {
    return input.stored === null ? decideNew(input) : decideKnown(input, input.stored)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return { outcome: { result: 'refused', error }, recent: null, plan: null }
  }
}

function decideNew(input: DecideInput): ItemPlan {
  const { report, identity, nowMs } = input
  const attribution = attribute({ ...input, advertiserId: identity.advertiserId })
  const offer = attribution === null ? undefined : input.catalogue.offer(attribution.offerId)
  const occurredAt = report.occurredAt ?? input.receivedAt ?? new Date(nowMs)
  const conversion: Conversion = {
    id: input.conversionId,
    advertiserId: identity.advertiserId,
    byClick: identity.byClick,
    transactionId: identity.byClick ? null : identity.identity,
    event: identity.event,
    clickId: report.clickId,
    attribution,
    params: report.params,
    occurredAt,
    status: report.status ?? offer?.defaultStatus ?? 'approved',
    reported: statementOf(report, {}),
    payout: null,
    currency: report.currency,
    saleAmount: report.saleAmount,
    revision: 1,
    note: null,
  }
  const plan = planRevisions(input, { conversion, revisions: [], deliveries: [] }, [
    nextRevision(conversion, null, nowMs),
  ])
  return written(input, plan, plan.unsettled === null ? 'accepted' : 'parked')
}

function decideKnown(input: DecideInput, stored: StoredConversion): ItemPlan {
  const { report, nowMs } = input
  const merge = mergeReport({ ...input, stored: stored.conversion })
  const before = stored.conversion
  const attribution = before.attribution ?? attributeNow(input)
  const newlyAttributed = before.attribution === null && attribution !== null
  if (merge.kind === 'duplicate' && !newlyAttributed) {
    const outcome = outcomeOf('duplicate', before, merge.note)
    return { outcome, recent: rememberReport(input.recent, [input.hash, before.revision, nowMs]), plan: null }
  }
  const known = {
    ...before,
    attribution,
    clickId: before.byClick ? before.clickId : (before.clickId ?? report.clickId),
  }
  if (merge.kind === 'duplicate')
    return written(input, planRevisions(input, { ...stored, conversion: known }, []), 'duplicate', merge.note)
  const conversion: Conversion = {
    ...known,
    status: merge.status,
    reported: merge.reported,
    occurredAt: merge.occurredAt,
    saleAmount: merge.reported.sale_amount ?? null,
    currency: merge.reported.currency ?? before.currency,
    revision: before.revision + 1,
  }
  const plan = planRevisions(input, { ...stored, conversion }, [
    nextRevision(conversion, before.status, nowMs),
  ])
  return written(input, plan, plan.unsettled === null ? 'accepted' : 'parked')
}

/** A parked conversion is attributed by a later report only if that brings a known click or both ids. */
function attributeNow(input: DecideInput): Attribution | null {
  const { report, click } = input
  if (!click && (report.affiliateId === null || report.offerId === null)) return null
  return attribute({ ...input, advertiserId: input.identity.advertiserId })
}

const nextRevision = (
  conversion: Conversion,
  previousStatus: Conversion['status'] | null,
  nowMs: number,
): Revision => ({
  id: newUuid(nowMs),
  revision: conversion.revision,
  status: conversion.status,
  previousStatus,
  payout: null,
  currency: conversion.currency,
  saleAmount: conversion.saleAmount,
  reported: conversion.reported,
  occurredAt: conversion.occurredAt,
  note: null,
})

function written(
  input: DecideInput,
  plan: ConversionPlan,
  result: 'accepted' | 'duplicate' | 'parked',
  note: string | null = null,
): ItemPlan {
  const { conversion } = plan
  return {
    outcome: outcomeOf(
      result,
      conversion,
      note ?? plan.inserted.at(-1)?.note ?? input.report.notes[0] ?? null,
    ),
    recent: rememberReport(input.recent, [input.hash, conversion.revision, input.nowMs]),
    plan,
  }
}

const outcomeOf = (
  result: 'accepted' | 'duplicate' | 'parked',
  conversion: { id: Uuid; revision: number },
  note: string | null,
): IntakeOutcome =>
  result === 'parked'
    ? { result, reason: UNKNOWN_CLICK, conversionId: conversion.id, revision: conversion.revision }
    : { result, conversionId: conversion.id, revision: conversion.revision, note }

/**
 * Prices and fans out every revision of a conversion that is not fanned out yet: the given new ones and, where the
 * attribution has only now become known, the stored ones before them. Without an attribution they wait.
 */
export function planRevisions(
  input: { catalogue: Catalogue },
  stored: StoredConversion,
  added: readonly Revision[],
): ConversionPlan {
  const isNew = stored.revisions.length === 0
  const earning = earningParts(input.catalogue, stored.conversion.attribution)
  const unfanned = stored.revisions.filter((revision) => !revision.fanned)
  if (earning === null) {
    const inserted = added.map((revision) => ({ ...revision, fanoutCount: null }))
    return {
      conversion: stored.conversion,
      isNew,
      inserted,
      settled: [],
      fanOut: emptyPlan(),
      unsettled: UNKNOWN_CLICK,
    }
  }
  const conversion = withWindowNote(stored.conversion, earning.offer, [...unfanned, ...(isNew ? added : [])])
  const defaulted = unfanned.length > 0 ? withDefaultStatus(unfanned, earning.offer) : []
  const priced = [...defaulted, ...added].map((revision) => priceRevision(revision, conversion, earning))
  const plan = fanOutRevisions({ stored: { ...stored, conversion }, priced, ...earning })
  const counted = priced.map((revision) => ({ ...revision, fanoutCount: countOf(plan, revision) }))
  return {
    conversion: newest(conversion, counted),
    isNew,
    inserted: counted.slice(defaulted.length),
    settled: counted.slice(0, defaulted.length),
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

/** While parked the offer was unknown: a status nobody stated is the offer's default once it is known. */
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
    statuses: all.sort((a, b) => a.revision - b.revision).map((revision) => revision.status),
    revisions: priced,
    earlier: stored.deliveries,
    clickIdMissing: (destination, status) => isClickIdMissing(destination, conversion, status),
    tooOld: (destination, { id, status, occurredAt = conversion.occurredAt }) =>
      isEventTooOld(destination, { status, occurredAt }, uuidTimeMs(id)),
    idTimeMs: (revision) => uuidTimeMs(revision.id),
  })
}

/** Whether this conversion would leave the tracker's click-id parameter empty. */
export const isClickIdMissing = (
  destination: Destination,
  conversion: Conversion,
  status: Conversion['status'],
): boolean =>
  compileDestination(destination.definition).clickIdIsEmpty({
    status,
    affiliateClickId: conversion.attribution?.affiliateClickId ?? null,
    clickId: conversion.clickId,
    subs: conversion.attribution?.subs ?? [],
  })

/** Whether the receiver would refuse the event for its age at a given time. */
export const isEventTooOld = (
  destination: Destination,
  event: { status: Conversion['status']; occurredAt: Date },
  nowMs: number,
): boolean => isTooOld(compileDestination(destination.definition), event, nowMs)

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

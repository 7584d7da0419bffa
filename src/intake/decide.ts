import type { Catalogue } from '../catalogue/catalogue.ts'
import { AppError } from '../kit/app-error.ts'
import { newUuid, type Uuid } from '../kit/ids.ts'
import { attribute, type Click } from './attribution.ts'
import type { Attribution, Conversion, Revision } from './conversion.ts'
import type { Identity } from './identity.ts'
import type { IntakeOutcome } from './intake.ts'
import {
  mergeReport,
  type RecentReport,
  recentReport,
  rememberReport,
  statementOf,
  withoutOverruled,
} from './merge.ts'
import { type ConversionPlan, planRevisions, type StoredConversion, UNKNOWN_CLICK } from './plan-revisions.ts'
import type { Report } from './report.ts'
import type { Sibling } from './stored-conversions.ts'

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
  /** Another event of the same transaction, where only that tells whose the conversion is. */
  sibling: Sibling | undefined
  /** When the call came, if it is processed again. */
  receivedAt: Date | undefined
  /** The same of stored revisions, where it is: by their ids. */
  receivedAtOf: ReadonlyMap<Uuid, Date>
  nowMs: number
}

export type ItemPlan = {
  outcome: IntakeOutcome
  /** Null where nothing is remembered: the report was refused. */
  recent: RecentReport[] | null
  plan: ConversionPlan | null
  /** The stored conversion, where the report changes nothing about it. */
  unchanged?: Conversion
}

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
    clickId: report.clickId ?? input.sibling?.clickId ?? null,
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
  const plan = planRevisions(input, { conversion, revisions: [], deliveries: [], forgotten: null }, [
    nextRevision(conversion, null, nowMs),
  ])
  return written(input, plan, plan.unsettled === null ? 'accepted' : 'parked')
}

function decideKnown(input: DecideInput, stored: StoredConversion): ItemPlan {
  const { nowMs, receivedAt, receivedAtOf } = input
  const report =
    receivedAt === undefined
      ? input.report
      : withoutOverruled(input.report, stored.revisions, receivedAt, receivedAtOf)
  const merge = mergeReport({ ...input, report, stored: stored.conversion })
  const before = stored.conversion
  const attribution = before.attribution ?? attributeNow(input)
  const newlyAttributed = before.attribution === null && attribution !== null
  if (merge.kind === 'duplicate' && !newlyAttributed) {
    const outcome = outcomeOf('duplicate', before, merge.note)
    const recent = remembered(input, before.revision, merge.note)
    return { outcome, recent, plan: null, unchanged: before }
  }
  const known = {
    ...before,
    attribution,
    clickId: before.byClick ? before.clickId : (before.clickId ?? report.clickId),
    // Until now it said why nobody earns.
    note: newlyAttributed ? null : before.note,
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
    recent: remembered(input, conversion.revision, note),
    plan,
  }
}

/** A late repeat stays the report of its earlier revision: else the second one would pass for a change back to it. */
const remembered = (input: DecideInput, revision: number, note: string | null): RecentReport[] =>
  note === 'late_repeat'
    ? [...input.recent]
    : rememberReport(input.recent, recentReport(input, revision, input.nowMs))

const outcomeOf = (
  result: 'accepted' | 'duplicate' | 'parked',
  conversion: { id: Uuid; revision: number },
  note: string | null,
): IntakeOutcome =>
  result === 'parked'
    ? { result, reason: UNKNOWN_CLICK, conversionId: conversion.id, revision: conversion.revision }
    : { result, conversionId: conversion.id, revision: conversion.revision, note }

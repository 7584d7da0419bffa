import { createHash } from 'node:crypto'
import type { ConversionStatus } from '../catalogue/catalogue.ts'
import { type Uuid, uuidTimeMs } from '../kit/ids.ts'
import { isSameAmount } from '../kit/money.ts'
import type { Conversion, Reported, Revision } from './conversion.ts'
import type { Report } from './report.ts'

/** One report of the last 15 min: hash, the revision it led to or repeated, unix ms of its arrival and of its stated time. */
export type RecentReport = [hash: string, revision: number, atMs: number, statedMs?: number | null]

export type Merge =
  | { kind: 'duplicate'; note: 'stale_status' | 'late_repeat' | null }
  | { kind: 'changed'; status: ConversionStatus; reported: Reported; occurredAt: Date }

const RECENT_MS = 15 * 60_000
const RECENT_MAX = 50

/** Equal for two reports that state the same; the time of the event does not count. */
export function hashReport(report: Report): string {
  const stated = [
    report.status,
    report.payout,
    report.revenue,
    report.saleAmount,
    report.currency,
    report.clickId,
    report.affiliateClickId,
    report.affiliateId,
    report.offerId,
    report.event,
    report.subs,
    report.params,
  ]
  return createHash('sha256').update(JSON.stringify(stated)).digest('base64url').slice(0, 16)
}

/** As it is remembered. */
export const recentReport = (
  { report, hash }: { report: Report; hash: string },
  revision: number,
  atMs: number,
): RecentReport => [hash, revision, atMs, statedMs(report)]

const statedMs = ({ occurredAt, occurredAtStated = occurredAt ?? undefined }: Report): number | null =>
  occurredAtStated?.getTime() ?? null

/** The stored list with this report added, without what is older than 15 min. */
export const rememberReport = (recent: readonly RecentReport[], report: RecentReport): RecentReport[] =>
  [...recent.filter(([, , atMs]) => report[2] - atMs < RECENT_MS), report].slice(-RECENT_MAX)

/**
 * Compares a report with the stored conversion. The last report wins, also rejected -> approved, with two exceptions:
 * `pending` after a decision is stale, and the exact repeat of an earlier revision's report within 15 min is a late
 * retry of the sender's queue unless its occurred_at is newer.
 */
export function mergeReport(input: {
  stored: Conversion
  report: Report
  recent: readonly RecentReport[]
  hash: string
  nowMs: number
}): Merge {
  const { stored, report } = input
  if (report.status === 'pending' && stored.status !== 'pending')
    return { kind: 'duplicate', note: 'stale_status' }
  if (isLateRepeat(input)) return { kind: 'duplicate', note: 'late_repeat' }
  const reported = statementOf(report, stored.reported)
  const status = report.status ?? stored.status
  // Until the offer is known, a status that nobody stated is a guess, and its default may still replace it.
  const isFirstStated =
    stored.attribution === null && report.status !== null && stored.reported.status === undefined
  if (status === stored.status && !isFirstStated && isSameStatement(reported, stored.reported))
    return { kind: 'duplicate', note: null }
  return { kind: 'changed', status, reported, occurredAt: report.occurredAt ?? stored.occurredAt }
}

/**
 * What a call that is processed again still has to say: without the fields of which the advertiser stated something else
 * after receivedAt. `receivedAtOf`: when the calls of revisions came that were processed again themselves.
 */
export function withoutOverruled(
  report: Report,
  revisions: readonly Revision[],
  receivedAt: Date,
  receivedAtOf: ReadonlyMap<Uuid, Date> = new Map(),
): Report {
  const statedAtMs = ({ id }: Revision): number => receivedAtOf.get(id)?.getTime() ?? uuidTimeMs(id)
  const later = revisions.flatMap((revision, index) =>
    statedAtMs(revision) > receivedAt.getTime()
      ? [{ before: revisions[index - 1]?.reported ?? {}, after: revision.reported }]
      : [],
  )
  const unlessTold = <T>(field: 'status' | 'currency', value: T): T | null =>
    later.some(({ before, after }) => before[field] !== after[field]) ? null : value
  const unlessChanged = <T>(field: 'payout' | 'revenue' | 'sale_amount', value: T): T | null =>
    later.some(({ before, after }) => !isSameAmount(before[field] ?? null, after[field] ?? null))
      ? null
      : value
  return {
    ...report,
    status: unlessTold('status', report.status),
    payout: unlessChanged('payout', report.payout),
    revenue: unlessChanged('revenue', report.revenue),
    saleAmount: unlessChanged('sale_amount', report.saleAmount),
    currency: unlessTold('currency', report.currency),
  }
}

function isLateRepeat(input: Parameters<typeof mergeReport>[0]): boolean {
  const { stored, report, recent, hash, nowMs } = input
  const seen = recent.filter(([known, , atMs]) => known === hash && nowMs - atMs < RECENT_MS)
  if (seen.length === 0 || seen.some(([, revision]) => revision >= stored.revision)) return false
  const isNewer = report.occurredAt !== null && report.occurredAt > stored.occurredAt
  // A time ahead of our clock counts as the time it came, so the repeat of one looks newer.
  return !isNewer || seen.some(([, , , stated]) => stated === statedMs(report))
}

/** What the advertiser says, on top of what it said before. */
export const statementOf = (report: Report, before: Reported): Reported => ({
  ...before,
  ...(report.status !== null && { status: report.status }),
  ...(report.payout !== null && { payout: report.payout }),
  ...(report.revenue !== null && { revenue: report.revenue }),
  ...(report.saleAmount !== null && { sale_amount: report.saleAmount }),
  ...(report.currency !== null && { currency: report.currency }),
})

const isSameStatement = (a: Reported, b: Reported): boolean =>
  isSameAmount(a.payout ?? null, b.payout ?? null) &&
  isSameAmount(a.revenue ?? null, b.revenue ?? null) &&
  isSameAmount(a.sale_amount ?? null, b.sale_amount ?? null) &&
  a.currency === b.currency

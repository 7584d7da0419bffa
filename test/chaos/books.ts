import type { Happening } from './fault.ts'
import type { Target } from './network.ts'
import type { RequestRecord } from './receivers-contract.ts'
import type { Report, Story } from './story.ts'

/** A delivery as the relay's log has it. */
export type LoggedDelivery = {
  id: string
  tracker: number
  revision: number
  status: string
  payout: string
  state: string
  reason: string | null
  attempts: readonly LoggedAttempt[]
}
export type LoggedAttempt = { startedMs: number; verdict: string; error: string | null; late: boolean }

/** All that is known about one conversion. Every report of its story was acknowledged. */
export type Page = {
  story: Story
  /** Newest revision as stored; null: the conversion is not there. */
  stored: { status: string; payout: string } | null
  deliveries: readonly LoggedDelivery[]
  requests: readonly RequestRecord[]
}

export type Finding = {
  kind: 'lost' | 'out_of_order' | 'unexplained_duplicate' | 'not_stored' | 'unlogged' | 'made_up'
  about: string
}

/** Why a tracker was told again what it had counted. */
export type DuplicateCause = 'its answer was lost' | 'late' | 'outcome lost'

export type Comparison = {
  findings: Finding[]
  duplicates: Duplicate[]
}

/** `timedOut`: the tracker, or a machine without a free processor, took longer than the timeout. */
export type Duplicate = { cause: DuplicateCause; atMs: number; timedOut: boolean }

/** From arrival back to the start of the call, and on to the end of what a fault can do to its outcome. */
const ARRIVAL_MS_MAX = 3000
const CLOCK_MS = 50

/** Compares what the advertiser was promised, what the relay's log says and what the trackers heard. */
export function comparePage(
  page: Page,
  targets: readonly Target[],
  happenings: readonly Happening[],
): Comparison {
  const requests = page.requests.toSorted((a, b) => a.atMs - b.atMs)
  const told = matchAttempts(page.deliveries, requests)
  return {
    findings: [
      ...findLost(page, targets),
      ...findOutOfOrder(requests),
      ...findNotStored(page),
      ...findUnlogged(told, happenings),
      ...findUnexplained(told, happenings),
      ...findMadeUp(page, told),
    ],
    duplicates: listAgain(told).flatMap(([earlier, again]) => {
      const cause = causeOf(earlier, happenings)
      if (cause === null) return []
      return [{ cause, atMs: again.request.atMs, timedOut: earlier.attempt?.error === 'timeout' }]
    }),
  }
}

/** A call as both sides know it; attempt null: the relay's log has none. */
type Told = { request: RequestRecord; attempt: LoggedAttempt | null }

/** Each request belongs to the attempt that started last before it arrived. */
function matchAttempts(deliveries: readonly LoggedDelivery[], requests: readonly RequestRecord[]): Told[] {
  const free = new Map(
    deliveries.map(({ id, attempts }) => [id, attempts.toSorted((a, b) => a.startedMs - b.startedMs)]),
  )
  return requests
    .toReversed()
    .map((request) => {
      const attempts = free.get(request.delivery) ?? []
      const at = attempts.findLastIndex(
        ({ startedMs }) => startedMs <= request.atMs + CLOCK_MS && startedMs > request.atMs - ARRIVAL_MS_MAX,
      )
      const [attempt = null] = at === -1 ? [] : attempts.splice(at, 1)
      return { request, attempt }
    })
    .toReversed()
}

/** The newest state must be stored, and known to every tracker that is to hear it. */
function findLost({ story, stored, deliveries, requests }: Page, targets: readonly Target[]): Finding[] {
  const newest = story.reports.at(-1) ?? story.reports[0]
  const findings: Finding[] = []
  const lost = (what: string): void => {
    findings.push({ kind: 'lost', about: `${story.transactionId}: ${what}` })
  }
  if (stored === null) lost('acknowledged, but not stored')
  else if (stored.status !== newest.status || !isSameAmount(stored.payout, newest.payout))
    lost(`stored as ${stored.status} ${stored.payout} instead of ${newest.status} ${newest.payout}`)
  for (const [tracker, target] of targets.entries()) {
    if (target.affiliate !== story.affiliate) continue
    const must = mustHear(story, target)
    if (must !== null && !requests.some((request) => request.tracker === tracker && isAbout(request, must)))
      lost(`tracker ${tracker} never took ${must.status} ${must.payout}`)
  }
  for (const { id, state } of deliveries)
    if (state !== 'delivered' && state !== 'superseded' && state !== 'skipped')
      lost(`delivery ${id} is ${state} at the end`)
  return findings
}

/** What the tracker must have heard at the end; null: nothing is certain. */
function mustHear(story: Story, target: Target): Report | null {
  const newest = story.reports.at(-1) ?? story.reports[0]
  if (!target.statuses.includes(newest.status)) return null
  if (target.amounts) return newest
  return story.reports.find((report) => report.status === newest.status) ?? newest
}

/** Answered 200 to the end. What could be superseded by the newest amount was told with either. */
const isAbout = (request: RequestRecord, report: Report): boolean =>
  request.answered === 200 &&
  request.status === report.status &&
  Number(request.payout) >= Number(report.payout)

const isSameAmount = (a: string, b: string): boolean => Number(a) === Number(b)

/** A tracker must not hear an older revision after a newer one, heard or not. */
function findOutOfOrder(requests: readonly RequestRecord[]): Finding[] {
  const newest = new Map<number, number>()
  return requests.flatMap((request): Finding[] => {
    const before = newest.get(request.tracker) ?? 0
    newest.set(request.tracker, Math.max(before, request.revision))
    if (request.revision >= before) return []
    const about = `${request.transaction}: tracker ${request.tracker} heard revision ${request.revision} after ${before}`
    return [{ kind: 'out_of_order', about }]
  })
}

function findNotStored({ deliveries, requests }: Page): Finding[] {
  const known = new Set(deliveries.map((delivery) => delivery.id))
  return requests
    .filter((request) => !known.has(request.delivery))
    .map(({ transaction, delivery }) => ({
      kind: 'not_stored',
      about: `${transaction}: ${delivery} was sent, but no such delivery is stored`,
    }))
}

const findUnlogged = (told: readonly Told[], happenings: readonly Happening[]): Finding[] =>
  told
    .filter(({ request, attempt }) => attempt === null && !isOutcomeLosable(request, happenings))
    .map(({ request }) => ({
      kind: 'unlogged',
      about: `${request.transaction}: call of ${request.delivery} at ${toTime(request.atMs)} has no attempt and no cause`,
    }))

/** Attempts that the log calls delivered, and no tracker knows of. */
function findMadeUp({ story, deliveries }: Page, told: readonly Told[]): Finding[] {
  const known = new Set(told.map(({ attempt }) => attempt))
  return deliveries.flatMap(({ id, attempts }) =>
    attempts
      .filter((attempt) => attempt.verdict === 'delivered' && !known.has(attempt))
      .map(({ startedMs }) => ({
        kind: 'made_up',
        about: `${story.transactionId}: ${id} is logged as delivered at ${toTime(startedMs)}, but no tracker was called`,
      })),
  )
}

/** Pairs of calls for one delivery of which the first was counted by the tracker. */
function listAgain(told: readonly Told[]): [Told, Told][] {
  const counted = new Map<string, Told>()
  const pairs: [Told, Told][] = []
  for (const one of told) {
    const earlier = counted.get(one.request.delivery)
    if (earlier !== undefined) pairs.push([earlier, one])
    if (one.request.heard) counted.set(one.request.delivery, one)
  }
  return pairs
}

const findUnexplained = (told: readonly Told[], happenings: readonly Happening[]): Finding[] =>
  listAgain(told)
    .filter(([earlier]) => causeOf(earlier, happenings) === null)
    .map(([{ request, attempt }, again]) => ({
      kind: 'unexplained_duplicate',
      about: `${request.transaction}: ${request.delivery} counted at ${toTime(request.atMs)} (${attempt?.verdict ?? 'no attempt'}), sent again at ${toTime(again.request.atMs)}`,
    }))

function causeOf({ request, attempt }: Told, happenings: readonly Happening[]): DuplicateCause | null {
  if (attempt === null) return isOutcomeLosable(request, happenings) ? 'outcome lost' : null
  if (attempt.late) return 'late'
  return attempt.verdict === 'retry' ? 'its answer was lost' : null
}

/** A worker died, was frozen or cut off between this call and the commit of its outcome. */
const isOutcomeLosable = ({ atMs }: RequestRecord, happenings: readonly Happening[]): boolean =>
  happenings.some(
    ({ losesOutcomes, fromMs, mendedMs }) =>
      losesOutcomes && atMs > fromMs - ARRIVAL_MS_MAX && atMs < mendedMs + CLOCK_MS,
  )

const toTime = (atMs: number): string => new Date(atMs).toISOString().slice(11, 23)

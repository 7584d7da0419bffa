import type { Catalogue } from '../catalogue/catalogue.ts'
import type { LaneChanges } from '../dispatch/change-lanes.ts'
import { countsForMs, laneRate } from '../dispatch/limits.ts'
import type { LaneResult } from '../dispatch/note-results.ts'
import type { RecentStart } from '../dispatch/recovery-store.ts'
import type { Uuid } from '../kit/ids.ts'
import type { Outcome } from './outcome.ts'
import type { Settlement } from './settle-outcome.ts'

type Destinations = Pick<Catalogue, 'destination'>

/** What settled outcomes say about the roads of their destinations. */
export const laneChangesOf = (catalogue: Destinations, settlements: readonly Settlement[]): LaneChanges => ({
  starts: startsOf(catalogue, settlements),
  results: resultsOf(catalogue, settlements),
  blocks: settlements.flatMap(({ outcome: { next, row } }) =>
    next.state === 'scheduled' && next.reason === 'receiver_asked'
      ? [{ destinationId: row.destinationId, forMs: next.delayMs }]
      : [],
  ),
  flooded: settlements.flatMap(({ outcome }) => (outcome.floods ? [outcome.row.destinationId] : [])),
})

/** Whether a call failed as breakers see it. Null: none was made, or its receiver said itself what to do (Retry-After, 410). */
export function hasFailed({ attempt, next }: Outcome): boolean | null {
  if (attempt === null) return null
  if (attempt.verdict !== 'retry') return false
  return next.state === 'scheduled' && !next.countsRetry ? null : true
}

/** Calls whose times differ by less are counted together, by the latest of them. */
const START_STEP_MS = 50

function startsOf(catalogue: Destinations, settlements: readonly Settlement[]): RecentStart[] {
  const starts = new Map<string, RecentStart>()
  for (const { outcome } of settlements) {
    const { attempt, row } = outcome
    const limit = catalogue.destination(row.destinationId)?.definition.rate_limit
    if (attempt === null || limit === undefined) continue
    // The request was out, at the latest, when the wait for the first byte began.
    const agoMs = Math.floor((attempt.timingsMs?.first_byte ?? 0) / START_STEP_MS) * START_STEP_MS
    const key = `${row.destinationId} ${agoMs}`
    const start = starts.get(key)
    if (start === undefined)
      starts.set(key, {
        destinationId: row.destinationId,
        calls: 1,
        agoMs,
        countsForMs: countsForMs(limit.per_second),
      })
    else start.calls++
  }
  return [...starts.values()]
}

function resultsOf(catalogue: Destinations, settlements: readonly Settlement[]): LaneResult[] {
  const results = new Map<Uuid, LaneResult>()
  for (const { outcome, late } of settlements) {
    const { destinationId, batch } = outcome.row
    if (late || !batch.released || outcome.attempt === null) continue
    const result = results.get(destinationId) ?? {
      destinationId,
      laneRate: laneRate(catalogue.destination(destinationId)?.definition ?? {}),
      ok: 0,
      bad: 0,
      asked: 0,
    }
    const failed = hasFailed(outcome)
    result[failed === null ? 'asked' : failed ? 'bad' : 'ok']++
    results.set(destinationId, result)
  }
  return [...results.values()]
}

const BACKOFF_FIRST_MS = 5000
const BACKOFF_MAX_MS = 5 * 60_000
const RAMP_START = 0.1
const RAMP_MIN = 1

/** How long a breaker stays open before the next probe; previousMs: the last time, null if it was closed since. */
export const nextBackoffMs = (previousMs: number | null): number =>
  previousMs === null ? BACKOFF_FIRST_MS : Math.min(previousMs * 2, BACKOFF_MAX_MS)

/** Rows that a ramp releases in its first second: 10 % of the lane's rate. */
export const rampStart = (laneRate: number): number => Math.max(RAMP_MIN, laneRate * RAMP_START)

/** What came of a ramp's present second. */
export type RampSecond = {
  rate: number
  ok: number
  bad: number
  /** Nothing of the lane travels. */
  isIdle: boolean
}

/** The rate of the next second: halved by a failure, doubled without one, as it is while no answer came. Null: the lane is back at its own rate. */
export function nextRampRate({ rate, ok, bad, isIdle }: RampSecond, laneRate: number): number | null {
  if (bad > 0) return Math.max(RAMP_MIN, rate / 2)
  if (ok === 0 && !isIdle) return rate
  return rate * 2 >= laneRate ? null : rate * 2
}

const BACKOFF_FIRST_MS = 5000
const BACKOFF_MAX_MS = 5 * 60_000
const RAMP_START = 0.1
const RAMP_MIN = 1
/** Waits of fresh batches from their commit to their claim, from which on ramps stop to grow, and shrink. */
const FRESH_WAITS_MS = 100
const FRESH_WAITS_LONG_MS = 250

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
  /** The longest wait of fresh work in that second, ms. */
  freshWaitMs: number
  /** Nothing of the lane travels or is due. */
  isIdle: boolean
}

/**
 * The rate of the next second: halved by a failure, doubled without one, as it is while no answer came. Null: the lane is
 * back at its own rate. Fresh work goes first: a tracker that is back often brings hundreds of destinations back in the same
 * second, each with its backlog, and others must not wait for theirs.
 */
export function nextRampRate(
  { rate, ok, bad, freshWaitMs, isIdle }: RampSecond,
  laneRate: number,
): number | null {
  if (bad > 0 || freshWaitMs >= FRESH_WAITS_LONG_MS) return Math.max(RAMP_MIN, rate / 2)
  if ((ok === 0 && !isIdle) || freshWaitMs >= FRESH_WAITS_MS) return rate
  return rate * 2 >= laneRate ? null : rate * 2
}

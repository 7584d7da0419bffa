const JITTER = 0.2

/**
 * The wait before the next try, ms, or null when the retries are used up: the schedule's entry of retriesUsed
 * (the number of retries already made), ±20 % so that what failed together does not come back together.
 * random is in [0, 1).
 */
export function planRetry(input: {
  retriesUsed: number
  scheduleMs: readonly number[]
  random: number
}): number | null {
  const baseMs = input.scheduleMs[input.retriesUsed]
  if (baseMs === undefined) return null
  return Math.round(baseMs * (1 - JITTER + 2 * JITTER * input.random))
}

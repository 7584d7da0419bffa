/** Time as the program sees it; tests inject their own. monotonicMs never goes back and has no relation to the date. */
export type Clock = {
  now(): Date
  nowMs(): number
  monotonicMs(): number
}

export const systemClock: Clock = {
  now: () => new Date(),
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
}

import type { DestinationDefinition } from '../catalogue/catalogue.ts'

/** What a destination's definition allows. */
export type Limits = Pick<DestinationDefinition, 'rate_limit' | 'concurrency'>

/** Rows per second that a lane without a rate limit is let go at while it is paced. */
const UNLIMITED_RATE = 400

/** A limited destination is never direct: the sweeper alone releases its rows, so the limit holds over all workers. */
export const isLimited = ({ rate_limit, concurrency }: Limits): boolean =>
  rate_limit !== undefined || concurrency !== undefined

export const isSameLimits = (a: Limits, b: Limits): boolean =>
  a.concurrency === b.concurrency && a.rate_limit?.per_second === b.rate_limit?.per_second

/** Rows per second of a lane that recovers from nothing. */
export const laneRate = ({ rate_limit }: Limits): number => rate_limit?.per_second ?? UNLIMITED_RATE

/**
 * How long a call counts against its destination's rate, ms. Of whole calls per second as many are out at a time, each
 * for a second; a slower rate lets one out, for as long as lies between two.
 */
export const countsForMs = (perSecond: number): number => (perSecond >= 1 ? 1000 : 1000 / perSecond)

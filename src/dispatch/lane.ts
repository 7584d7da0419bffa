import type { Uuid } from '../kit/ids.ts'

/** Open calls to one destination from this process: where a lane starts, and how far success lets it grow. */
const CONCURRENCY_START = 2
export const CONCURRENCY_MAX = 10

const WAITING_PER_CALL = 4
const PROVEN_FOR_MS = 60_000
/** A call that is open for longer than three usual answers, but at least and at most this, makes its lane a slow one. */
const SLOW_MS_MIN = 250
const SLOW_MS_MAX = 2000
const SLOW_ANSWERS = 3
/** Weight of the newest answer in the usual one. */
const NEWEST_SHARE = 0.2

export type OpenCall = { readonly startedMs: number }

/** The road to one destination inside this process. */
export type Lane<Row> = {
  readonly destinationId: Uuid
  concurrency: number
  /** The destination's own concurrency in place of the learned one; null: it has none. */
  callsMax: number | null
  /** The oldest first. */
  readonly open: Set<OpenCall>
  waiting: Row[]
  /** How long its receiver usually takes to answer, ms; null before the first answer. */
  answerMs: number | null
  /** Monotonic ms of the last verdict delivered or refused, and of the last delivered; null before the first. */
  answeredAtMs: number | null
  deliveredAtMs: number | null
  /** Monotonic ms of the last change; idle lanes are forgotten. */
  usedAtMs: number
  /** A call was open for unusually long when that was last looked for. */
  slow: boolean
  /** What isProven said when it was last asked: the lane's calls and rows are counted by it. */
  proven: boolean
}

export const createLane = <Row>(destinationId: Uuid, nowMs: number): Lane<Row> => ({
  destinationId,
  concurrency: CONCURRENCY_START,
  callsMax: null,
  open: new Set(),
  waiting: [],
  answerMs: null,
  answeredAtMs: null,
  deliveredAtMs: null,
  usedAtMs: nowMs,
  slow: false,
  proven: false,
})

/** Grows by one with each success, halves with each call that must be repeated. Refusals are the receiver at work. */
export function concurrencyAfter(concurrency: number, verdict: 'delivered' | 'refused' | 'retry'): number {
  if (verdict === 'retry') return Math.max(CONCURRENCY_START, Math.floor(concurrency / 2))
  return Math.min(CONCURRENCY_MAX, concurrency + 1)
}

/** The usual time of an answer after one more, ms. */
export const answerMsAfter = (before: number | null, ms: number): number =>
  before === null ? ms : before + (ms - before) * NEWEST_SHARE

/** Whether one more row finds a place; what finds none goes back to `due`. */
export const hasPlace = (lane: Pick<Lane<unknown>, 'concurrency' | 'open' | 'waiting'>): boolean =>
  lane.open.size + lane.waiting.length < lane.concurrency * (1 + WAITING_PER_CALL)

export const canStart = (
  lane: Pick<Lane<unknown>, 'concurrency' | 'callsMax' | 'open' | 'waiting'>,
): boolean => lane.waiting.length > 0 && lane.open.size < (lane.callsMax ?? lane.concurrency)

/** Destinations without a recent success, and slow ones, share at most half of the sockets. */
export const isProven = (lane: Pick<Lane<unknown>, 'deliveredAtMs' | 'slow'>, nowMs: number): boolean =>
  !lane.slow && lane.deliveredAtMs !== null && nowMs - lane.deliveredAtMs < PROVEN_FOR_MS

/**
 * Whether a call is open for unusually long. Waiting for its timeout to tell would be too late: until then trackers that
 * died a second ago take all sockets.
 */
export function isSlow({ open, answerMs }: Pick<Lane<unknown>, 'open' | 'answerMs'>, nowMs: number): boolean {
  const [oldest] = open
  return oldest !== undefined && nowMs - oldest.startedMs > slowAfterMs(answerMs ?? 0)
}

const slowAfterMs = (answerMs: number): number =>
  Math.min(SLOW_MS_MAX, Math.max(SLOW_MS_MIN, SLOW_ANSWERS * answerMs))

/** Whether an answer came so lately that the next calls can be expected to be answered too. */
export const answersNow = (
  { answeredAtMs, answerMs }: Pick<Lane<unknown>, 'answeredAtMs' | 'answerMs'>,
  nowMs: number,
): boolean => answeredAtMs !== null && nowMs - answeredAtMs <= slowAfterMs(answerMs ?? 0)

/** Whether the process may forget the lane: what it learned is old. */
export const isIdle = (lane: Pick<Lane<unknown>, 'open' | 'waiting' | 'usedAtMs'>, nowMs: number): boolean =>
  lane.open.size === 0 && lane.waiting.length === 0 && nowMs - lane.usedAtMs > 10 * PROVEN_FOR_MS

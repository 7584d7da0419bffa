import type { Uuid } from '../kit/ids.ts'

/** Open calls to one destination from this process: where a lane starts, and how far success lets it grow. */
export const CONCURRENCY_START = 2
export const CONCURRENCY_MAX = 10

const WAITING_PER_CALL = 4
const PROVEN_FOR_MS = 60_000

/** The road to one destination inside this process. */
export type Lane<Row> = {
  readonly destinationId: Uuid
  concurrency: number
  /** The destination's own concurrency in place of the learned one; null: it has none. */
  callsMax: number | null
  running: number
  waiting: Row[]
  /** Monotonic ms of the last delivered verdict; null before the first. */
  deliveredAtMs: number | null
  /** Monotonic ms of the last change; idle lanes are forgotten. */
  usedAtMs: number
}

export const createLane = <Row>(destinationId: Uuid, nowMs: number): Lane<Row> => ({
  destinationId,
  concurrency: CONCURRENCY_START,
  callsMax: null,
  running: 0,
  waiting: [],
  deliveredAtMs: null,
  usedAtMs: nowMs,
})

/** Grows by one with each success, halves with each call that must be repeated. Refusals are the receiver at work. */
export function concurrencyAfter(concurrency: number, verdict: 'delivered' | 'refused' | 'retry'): number {
  if (verdict === 'retry') return Math.max(CONCURRENCY_START, Math.floor(concurrency / 2))
  return Math.min(CONCURRENCY_MAX, concurrency + 1)
}

/** Whether one more row finds a place; what finds none goes back to `due`. */
export const hasPlace = (lane: Pick<Lane<unknown>, 'concurrency' | 'running' | 'waiting'>): boolean =>
  lane.running + lane.waiting.length < lane.concurrency * (1 + WAITING_PER_CALL)

export const canStart = (
  lane: Pick<Lane<unknown>, 'concurrency' | 'callsMax' | 'running' | 'waiting'>,
): boolean => lane.waiting.length > 0 && lane.running < (lane.callsMax ?? lane.concurrency)

/** Destinations without a recent success share at most half of the sockets. */
export const isProven = (lane: Pick<Lane<unknown>, 'deliveredAtMs'>, nowMs: number): boolean =>
  lane.deliveredAtMs !== null && nowMs - lane.deliveredAtMs < PROVEN_FOR_MS

/** Whether the process may forget the lane: what it learned is old. */
export const isIdle = (
  lane: Pick<Lane<unknown>, 'running' | 'waiting' | 'usedAtMs'>,
  nowMs: number,
): boolean => lane.running === 0 && lane.waiting.length === 0 && nowMs - lane.usedAtMs > 10 * PROVEN_FOR_MS

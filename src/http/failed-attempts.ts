import type { Clock } from '../kit/clock.ts'

/** Counts failed authentications per address; one instance for the API and /postback. */
export type FailedAttempts = {
  /** Counts one failure. Null while the address may still be told why; else the seconds it has to wait (429). */
  record(address: string): number | null
}

const FAILURES_MAX = 20
const WINDOW_MS = 60_000
const ADDRESSES_MAX = 50_000

type Span = { startedAtMs: number; failures: number }

/** 20 failures a minute and address. Only failures are counted, so valid keys of the same address are never refused. */
export function createFailedAttempts(clock: Pick<Clock, 'monotonicMs'>): FailedAttempts {
  // Two halves, the older one forgotten as a whole: dropping the oldest entry of one full map costs as much as all the
  // entries that were dropped before it.
  let newer = new Map<string, Span>()
  let older = new Map<string, Span>()

  const start = (address: string, startedAtMs: number): void => {
    if (newer.size >= ADDRESSES_MAX / 2) {
      older = newer
      newer = new Map()
    }
    older.delete(address)
    newer.set(address, { startedAtMs, failures: 1 })
  }

  return {
    record(address) {
      const nowMs = clock.monotonicMs()
      const known = newer.get(address) ?? older.get(address)
      if (known === undefined || nowMs - known.startedAtMs >= WINDOW_MS) {
        start(address, nowMs)
        return null
      }
      known.failures++
      if (known.failures <= FAILURES_MAX) return null
      return Math.max(1, Math.ceil((known.startedAtMs + WINDOW_MS - nowMs) / 1000))
    },
  }
}

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
  const spans = new Map<string, Span>()

  return {
    record(address) {
      const nowMs = clock.monotonicMs()
      const known = spans.get(address)
      if (known === undefined || nowMs - known.startedAtMs >= WINDOW_MS) {
        // Removed first so that insertion order is age order, which `forget` relies on.
        spans.delete(address)
        forget(spans, nowMs)
        spans.set(address, { startedAtMs: nowMs, failures: 1 })
        return null
      }
      known.failures++
      if (known.failures <= FAILURES_MAX) return null
      return Math.max(1, Math.ceil((known.startedAtMs + WINDOW_MS - nowMs) / 1000))
    },
  }
}

/** Keeps memory bounded: drops spans that ended, and the oldest one where there are too many. */
function forget(spans: Map<string, Span>, nowMs: number): void {
  for (const [address, span] of spans) {
    const isOver = nowMs - span.startedAtMs >= WINDOW_MS
    if (!isOver && spans.size < ADDRESSES_MAX) return
    spans.delete(address)
  }
}

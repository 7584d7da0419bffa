// A kept connection that the receiver closes just as we write is the one way to lose a call that reached nobody, or to
// not know whether it did; it is never sent again by itself. So connections are kept for less time than any common
// server keeps them, and less than the server says.
export const IDLE_MS = 4000
export const IDLE_MARGIN_MS = 1000

/**
 * Idle connections kept per origin and per process. As many as may be open at once by default: with 64 a busy tracker's
 * connections were closed and opened again for one call in 13 with undici, one in 4 with got (bench/README.md).
 */
export const IDLE_PER_ORIGIN_MAX = 256
export const IDLE_TOTAL_MAX = 1024

/** How long a connection may be kept idle after an answer with this Keep-Alive header (`timeout=5`), ms; 0: not at all. */
export function idleMsAfter(keepAlive: string | undefined): number {
  const seconds = /(?:^|[,\s])timeout=(\d+)/i.exec(keepAlive ?? '')?.[1]
  if (seconds === undefined) return IDLE_MS
  return Math.max(0, Math.min(IDLE_MS, Number(seconds) * 1000 - IDLE_MARGIN_MS))
}

import type { Clock } from '../kit/clock.ts'
import type { Uuid } from '../kit/ids.ts'

const WINDOW_MS = 60_000
const SLOT_MS = 5000
const CALLS_MIN = 20
const FAILED_SHARE = 0.5
const IN_A_ROW = 10
const IN_A_ROW_OVER_MS = 30_000

type Slot = { startMs: number; calls: number; failed: number }
/** Calls of the last 60 s to one destination, in slots of 5 s, and the failures since its last other answer. */
export type Calls = { slots: Slot[]; failedInARow: number; failingSinceMs: number; lastMs: number }

export const noCalls = (): Calls => ({ slots: [], failedInARow: 0, failingSinceMs: 0, lastMs: 0 })

export function noteCall(calls: Calls, failed: boolean, nowMs: number): void {
  const startMs = Math.floor(nowMs / SLOT_MS) * SLOT_MS
  let slot = calls.slots.at(-1)
  if (slot?.startMs !== startMs) {
    slot = { startMs, calls: 0, failed: 0 }
    calls.slots = [...calls.slots.filter((one) => one.startMs > nowMs - WINDOW_MS), slot]
  }
  slot.calls++
  calls.lastMs = nowMs
  if (failed) {
    slot.failed++
    if (calls.failedInARow === 0) calls.failingSinceMs = nowMs
    calls.failedInARow++
  } else calls.failedInARow = 0
}

/** At least 20 calls within 60 s, half of them failed; or 10 failures in a row over at least 30 s. */
export function shouldOpen(calls: Calls): boolean {
  if (calls.failedInARow >= IN_A_ROW && calls.lastMs - calls.failingSinceMs >= IN_A_ROW_OVER_MS) return true
  const count = calls.slots.reduce((sum, slot) => sum + slot.calls, 0)
  const failed = calls.slots.reduce((sum, slot) => sum + slot.failed, 0)
  return count >= CALLS_MIN && failed >= count * FAILED_SHARE
}

/** What this process saw of each destination's calls. */
export type BreakerWindow = {
  /** True: the breaker of this destination should open. */
  note(destinationId: Uuid, failed: boolean): boolean
  forget(destinationId: Uuid): void
  forgetIdle(): void
}

export function createBreakerWindow(clock: Clock): BreakerWindow {
  const destinations = new Map<Uuid, Calls>()
  return {
    note(destinationId, failed) {
      let calls = destinations.get(destinationId)
      if (calls === undefined) {
        calls = noCalls()
        destinations.set(destinationId, calls)
      }
      noteCall(calls, failed, clock.monotonicMs())
      return failed && shouldOpen(calls)
    },
    forget: (destinationId) => void destinations.delete(destinationId),
    forgetIdle() {
      const nowMs = clock.monotonicMs()
      for (const [id, calls] of destinations)
        if (nowMs - calls.lastMs > 10 * WINDOW_MS) destinations.delete(id)
    },
  }
}

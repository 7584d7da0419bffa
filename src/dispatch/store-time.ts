import type { Clock } from '../kit/clock.ts'

/** Unix ms by Postgres' clock: as of the last claim, moved on by our monotonic clock. Ours before the first claim. */
export type StoreTime = { nowMs(): number; note(storeNowMs: number): void }

export function createStoreTime(clock: Clock): StoreTime {
  let noted: { storeNowMs: number; atMs: number } | null = null
  return {
    note(storeNowMs) {
      noted = { storeNowMs, atMs: clock.monotonicMs() }
    },
    nowMs: () => (noted === null ? clock.nowMs() : noted.storeNowMs + clock.monotonicMs() - noted.atMs),
  }
}

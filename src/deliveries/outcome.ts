import type { TravellingRow } from '../dispatch/travelling.ts'
import type { Uuid } from '../kit/ids.ts'
import type { Timings } from '../outbound/outbound.ts'
import type { Judgement, Verdict } from './verdict.ts'

/** One call as it is kept. Bodies and headers are bounded and hold no secret. */
export type AttemptRecord = {
  id: Uuid
  startedAt: Date
  verdict: Verdict
  httpStatus: number | null
  error: string | null
  timingsMs: Timings | null
  remoteIp: string | null
  destinationVersion: number
  replayId: Uuid | null
  request: unknown
  response: unknown
}

/** Where a delivery goes from here. */
export type Next =
  | { state: 'delivered' | 'refused' }
  | { state: 'failed'; reason: string | null; error: string | null }
  | { state: 'cancelled' | 'skipped'; reason: string }
  | {
      state: 'scheduled'
      /** Until it may travel again. */
      delayMs: number
      reason: 'receiver_asked' | null
      /** Uses up one entry of the retry schedule. */
      countsRetry: boolean
    }

/** What is to be committed about one travelling row. */
export type Outcome = {
  row: TravellingRow
  attempt: AttemptRecord | null
  next: Next
  /** Its lane overflowed: from here on the sweeper alone releases that destination's rows. */
  floods: boolean
}

/** Retry-After may hold a delivery this long, from its first such answer. */
const HOLD_MAX_MS = 7 * 24 * 3_600_000

// A receiver that asks for no wait at all would else be called without end, since these retries are not counted.
const HOLD_MIN_MS = 1000
// And one that asks for a second again and again for days is called less and less often.
const HOLD_GROWS = 0.1
const HOLD_GROWN_MAX_MS = 5 * 60_000

/** Back to `due` without a call; no attempt and no retry is counted. */
export const giveBack = (row: TravellingRow, how: { floods?: boolean; delayMs?: number } = {}): Outcome => ({
  row,
  attempt: null,
  next: { state: 'scheduled', delayMs: how.delayMs ?? 0, reason: null, countsRetry: false },
  floods: how.floods ?? false,
})

export const cancel = (row: TravellingRow, reason: string): Outcome => ({
  row,
  attempt: null,
  next: { state: 'cancelled', reason },
  floods: false,
})

/** The rules of its receiver say no by now. */
export const skip = (row: TravellingRow, reason: string): Outcome => ({
  row,
  attempt: null,
  next: { state: 'skipped', reason },
  floods: false,
})

/** It could not even be sent; the error is a sentence for people. */
export const fail = (row: TravellingRow, reason: string, error: string): Outcome => ({
  row,
  attempt: null,
  next: { state: 'failed', reason, error },
  floods: false,
})

/** What a judged call means for its delivery. retryDelayMs: what the retry plan says, null: used up. */
export function nextAfter(
  judgement: Judgement,
  heldForMs: number | null,
  retryDelayMs: () => number | null,
): Next {
  if (judgement.verdict !== 'retry') return { state: judgement.verdict }
  if (judgement.disable) return { state: 'scheduled', delayMs: 0, reason: null, countsRetry: false }
  if (judgement.retryAfterMs !== null) {
    if (heldForMs !== null && heldForMs > HOLD_MAX_MS)
      return { state: 'failed', reason: 'receiver_asked', error: null }
    const grownMs = Math.min((heldForMs ?? 0) * HOLD_GROWS, HOLD_GROWN_MAX_MS)
    const delayMs = Math.max(judgement.retryAfterMs, HOLD_MIN_MS, grownMs)
    return { state: 'scheduled', delayMs, reason: 'receiver_asked', countsRetry: false }
  }
  const delayMs = retryDelayMs()
  if (delayMs === null) return { state: 'failed', reason: null, error: null }
  return { state: 'scheduled', delayMs, reason: null, countsRetry: true }
}

/** Share of the sweep that a row waits in: 0 fresh, 1 retry, 2 replay. */
export const shareOf = (
  row: { replayId: Uuid | null; attemptsCount: number },
  wasSent: boolean,
): 0 | 1 | 2 => {
  if (row.replayId !== null) return 2
  return row.attemptsCount > 0 || wasSent ? 1 : 0
}

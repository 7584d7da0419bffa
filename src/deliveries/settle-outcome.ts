import type { Uuid } from '../kit/ids.ts'
import type { DeliveryState } from './delivery-states.ts'
import { type Outcome, shareOf } from './outcome.ts'

/** A delivery as it is under its row lock. */
export type LockedDelivery = { state: DeliveryState; nextId: Uuid | null }

/** What is written about one delivery. */
export type Settlement = {
  outcome: Outcome
  /** The batch was not ours any more: a second send of the same attempt may exist. */
  late: boolean
  state: DeliveryState
  /** Null leaves the row's own. */
  change: { reason: string | null; nextId: Uuid | null } | null
  due: { delayMs: number; reason: 'receiver_asked' | null; share: 0 | 1 | 2; suspect: boolean } | null
  /** The successor that may travel from now on; if late, once the batch that it waits for is gone. */
  wakes: Uuid | null
}

/**
 * Decides under the locks what an outcome may still change. Within the fence the outcome counts, but a row with a
 * successor never goes back to `due`: it is superseded, so that no older revision is sent after the newer one.
 * Late, or on a delivery that is not scheduled any more, the only move is to `delivered`; only a replay leaves that.
 */
export function settleOutcome(outcome: Outcome, isFenced: boolean, locked: LockedDelivery): Settlement {
  const kept = { outcome, late: !isFenced, due: null, wakes: null }
  if (!isFenced || locked.state !== 'scheduled') {
    const isDelivered = outcome.next.state === 'delivered' && canStillBeDelivered(locked.state)
    const wakes = isFenced || isDelivered ? locked.nextId : null
    if (isDelivered)
      return { ...kept, state: 'delivered', change: { reason: null, nextId: locked.nextId }, wakes }
    return { ...kept, state: locked.state, change: null, wakes }
  }
  const { next } = outcome
  if (next.state !== 'scheduled') {
    const reason = 'reason' in next ? next.reason : null
    return { ...kept, state: next.state, change: { reason, nextId: null }, wakes: locked.nextId }
  }
  if (locked.nextId !== null)
    return { ...kept, state: 'superseded', change: { reason: null, nextId: null }, wakes: locked.nextId }
  const share = shareOf(outcome.row, outcome.attempt !== null)
  // Only a result clears the suspicion.
  const suspect = outcome.row.batch.suspect && outcome.attempt === null
  return {
    ...kept,
    state: 'scheduled',
    change: { reason: null, nextId: null },
    due: { delayMs: next.delayMs, reason: next.reason, share, suspect },
  }
}

const canStillBeDelivered = (state: DeliveryState): boolean =>
  state === 'scheduled' || state === 'superseded' || state === 'cancelled'

import type { Uuid } from '../kit/ids.ts'
import type { DeliveryState } from './delivery-states.ts'

/** One of the deliveries of a conversion to a destination, under its lock. */
export type ReplaySibling = {
  id: Uuid
  revision: number
  state: DeliveryState
  attemptsCount: number
  /** Where a scheduled one is: waiting in `due`, or the batch that it travels in. */
  waits: boolean
  batchId: Uuid | null
}

export type ReplayPlan =
  | { kind: 'refused'; code: 'newer_revision' }
  /** It waits already: at once instead of later. */
  | { kind: 'due_now' }
  /** It is on the wire. */
  | { kind: 'on_its_way' }
  /** Skipped: today's rules decide whether it is re-opened. */
  | { kind: 'decide'; older: OlderUnsent }
  | { kind: 'reopen'; older: OlderUnsent }

/** Unsent older revisions, which must not follow the replayed one: those that wait give way, one that travels goes first. */
export type OlderUnsent = { superseded: Uuid[]; travelling: { id: Uuid; batchId: Uuid } | null }

/**
 * What a replay of one delivery may do. The tracker must not hear an older revision after a newer one, so a newer one
 * that was sent, waits or travels refuses it, and so does any newer rejected revision, sent or not.
 */
export function planReplay(input: {
  targetId: Uuid
  siblings: readonly ReplaySibling[]
  hasNewerRejected: boolean
}): ReplayPlan {
  const target = input.siblings.find((one) => one.id === input.targetId)
  if (target === undefined) throw new Error('the delivery to replay is not among its siblings')
  const isNewerHeard = input.siblings.some(
    (one) => one.revision > target.revision && (one.attemptsCount > 0 || isOpen(one)),
  )
  if (target.state === 'superseded' || input.hasNewerRejected || isNewerHeard)
    return { kind: 'refused', code: 'newer_revision' }
  if (target.state === 'scheduled') return { kind: target.waits ? 'due_now' : 'on_its_way' }
  const older = unsentBefore(target, input.siblings)
  return { kind: target.state === 'skipped' ? 'decide' : 'reopen', older }
}

const isOpen = (one: ReplaySibling): boolean => one.state === 'scheduled' || one.state === 'delivered'

function unsentBefore(target: ReplaySibling, siblings: readonly ReplaySibling[]): OlderUnsent {
  const open = siblings.filter((one) => one.revision < target.revision && one.state === 'scheduled')
  const travelling = open.find((one) => !one.waits && one.batchId !== null)
  return {
    superseded: open.filter((one) => one.waits).map((one) => one.id),
    travelling: travelling?.batchId == null ? null : { id: travelling.id, batchId: travelling.batchId },
  }
}

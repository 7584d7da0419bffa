import type { Context } from '../context.ts'
import { withTx } from '../db/database.ts'
import { encodeId, newUuid, type Uuid } from '../kit/ids.ts'
import { openAlert } from './alert-store.ts'
import { nextBackoffMs } from './recovery.ts'
import { lockLane, openLane } from './recovery-store.ts'

/** Not where the lane is blocked, a probe decides already, or nothing goes out any more: nothing would ever close it then. */
export async function openBreaker(
  ctx: Pick<Context, 'db' | 'log' | 'clock' | 'catalogue'>,
  destinationId: Uuid,
): Promise<void> {
  if (isArchived(ctx, destinationId)) return
  const forMs = await withTx(ctx.db.results, async (tx) => {
    const lane = await lockLane(tx, destinationId)
    if (lane === null || lane.isBlocked || lane.recovery === 'probing') return null
    const backoffMs = nextBackoffMs(lane.backedOffMs)
    await openLane(tx, destinationId, backoffMs)
    await openAlert(tx, { id: newUuid(ctx.clock.nowMs()), kind: 'breaker_open', destinationId })
    return backoffMs
  })
  if (forMs !== null)
    ctx.log.warn(
      { event: 'breaker_opened', destination: encodeId('destination', destinationId), probe_in_ms: forMs },
      'a breaker opened: the destination fails at nearly every call, its deliveries are held',
    )
}

function isArchived({ catalogue }: Pick<Context, 'catalogue'>, destinationId: Uuid): boolean {
  const destination = catalogue.destination(destinationId)
  if (destination === undefined || destination.archived) return true
  return catalogue.affiliate(destination.affiliateId)?.archived === true
}

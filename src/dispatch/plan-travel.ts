import type { Destination } from '../catalogue/catalogue.ts'
import type { Context } from '../context.ts'
import { newUuid, type Uuid } from '../kit/ids.ts'
import { afterBatchBackstopMs, BATCH_ROWS_MAX } from './batches.ts'
import { isLimited } from './limits.ts'

/** A scheduled delivery that a flush is about to write. */
export type Traveller = {
  deliveryId: Uuid
  destination: Destination
  /** The live batch of that older delivery, if it still has one. */
  afterBatch: Uuid | null
  /** True while the older delivery of the same conversion and destination still travels. */
  mustWait: boolean
}

export type DueRow = {
  deliveryId: Uuid
  destinationId: Uuid
  /** From now. */
  delayMs: number
  reason: 'delay' | null
  afterBatch: Uuid | null
}

export type TravelPlan = { batches: { id: Uuid; deliveries: Uuid[] }[]; due: DueRow[] }

/**
 * Puts each scheduled delivery in its one place: a batch where its road is free at once, else `due`. Batches are made
 * only while the queue has room; what has none waits in `due` for the sweeper.
 */
export function planTravel(
  ctx: Pick<Context, 'config' | 'roads' | 'queues'>,
  travellers: readonly Traveller[],
  nowMs: number,
): TravelPlan {
  const isFree = ({ destination, mustWait }: Traveller): boolean =>
    !mustWait &&
    destination.definition.delay_seconds === 0 &&
    destination.state === 'active' &&
    !isLimited(destination.definition) &&
    ctx.roads.isDirect(destination.id)
  const free = travellers.filter(isFree)
  const batchesMax = Math.min(Math.ceil(free.length / BATCH_ROWS_MAX), ctx.queues.room('deliver'))
  const travelling = new Set(free.slice(0, batchesMax * BATCH_ROWS_MAX))
  ctx.queues.take('deliver', batchesMax)
  const ids = [...travelling].map((traveller) => traveller.deliveryId)
  return {
    batches: Array.from({ length: batchesMax }, (_, index) => ({
      id: newUuid(nowMs),
      deliveries: ids.slice(index * BATCH_ROWS_MAX, (index + 1) * BATCH_ROWS_MAX),
    })),
    due: travellers
      .filter((traveller) => !travelling.has(traveller))
      .map((traveller) => toDueRow(ctx, traveller)),
  }
}

function toDueRow(ctx: Pick<Context, 'config'>, traveller: Traveller): DueRow {
  const { destination, afterBatch, mustWait } = traveller
  const delaySeconds = destination.definition.delay_seconds
  const delayMs = Math.max(delaySeconds * 1000, mustWait ? afterBatchBackstopMs(ctx.config) : 0)
  return {
    deliveryId: traveller.deliveryId,
    destinationId: destination.id,
    delayMs,
    reason: delaySeconds > 0 ? 'delay' : null,
    afterBatch,
  }
}

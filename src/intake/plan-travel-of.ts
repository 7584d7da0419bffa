import type { Context } from '../context.ts'
import type { Tx } from '../db/database.ts'
import { planTravel, type Traveller, type TravelPlan } from '../dispatch/plan-travel.ts'
import type { ConversionPlan } from './plan-revisions.ts'
import { findBatchesOf } from './store.ts'

/** Where each delivery that these plans schedule goes; those with a travelling forerunner wait for its batch. */
export async function planTravelOf(
  ctx: Pick<Context, 'config' | 'roads' | 'queues'>,
  tx: Tx,
  plans: readonly ConversionPlan[],
  nowMs: number,
): Promise<TravelPlan> {
  const scheduled = plans.flatMap(({ fanOut }) =>
    fanOut.deliveries.filter(({ state }) => state === 'scheduled'),
  )
  const forerunners = scheduled.flatMap(({ after }) => (after === null ? [] : [after]))
  const batches = forerunners.length === 0 ? new Map<string, string>() : await findBatchesOf(tx, forerunners)
  const travellers = scheduled.map(
    (delivery): Traveller => ({
      deliveryId: delivery.id,
      destination: delivery.destination,
      mustWait: delivery.after !== null,
      afterBatch: delivery.after === null ? null : (batches.get(delivery.after) ?? null),
    }),
  )
  return planTravel(ctx, travellers, nowMs)
}

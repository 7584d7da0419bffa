import { renewBatches } from './claim-store.ts'
import type { DeliveryWorker } from './delivery-worker.ts'

/**
 * One statement moves the leases of all batches of this process. What it does not return is another's by now: its rows
 * may not start any more. Rejects if Postgres does not answer; then the leases run on as they were.
 */
export async function renewLeases({ ctx, live, id, bounds }: DeliveryWorker): Promise<void> {
  const batches = [...live.all()].filter((batch) => live.mayRenew(batch))
  if (batches.length === 0) return
  const sentAtMs = ctx.clock.monotonicMs()
  const mine = await renewBatches(ctx.db.reads, {
    batchIds: batches.map((batch) => batch.id),
    workerId: id,
    leaseMs: bounds.leaseMs,
  })
  for (const batch of batches) {
    if (mine.has(batch.id)) batch.leasedAtMs = sentAtMs
    else batch.lost = true
  }
}

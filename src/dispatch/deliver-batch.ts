import { loadForRendering } from '../deliveries/load-for-rendering.ts'
import { cancel, giveBack, type Outcome } from '../deliveries/outcome.ts'
import type { Loaded } from '../deliveries/send.ts'
import type { Uuid } from '../kit/ids.ts'
import type { QueueName } from '../queue/queues.ts'
import { type Claimed, claim } from './claim.ts'
import { deleteOwnBatch } from './claim-store.ts'
import type { DeliveryWorker, LaneRow } from './delivery-worker.ts'
import { isLimited, type Limits } from './limits.ts'
import { endTransit } from './store.ts'
import { travelBanOf } from './travel-ban.ts'

/**
 * What a job does: waits for room, claims the batch, puts its rows into their lanes. It ends when they are in memory,
 * not when they are sent: open jobs of slow destinations would stop all others. A batch that is not ours is dropped.
 */
export async function deliverBatch(worker: DeliveryWorker, queue: QueueName, batchId: Uuid): Promise<void> {
  if (worker.live.has(batchId) || worker.claiming.has(batchId)) return
  worker.claiming.add(batchId)
  try {
    const claimed = await claimWithRoom(worker, queue, batchId)
    if (claimed !== null) await admit(worker, claimed)
  } finally {
    worker.claiming.delete(batchId)
  }
}

async function claimWithRoom(
  worker: DeliveryWorker,
  queue: QueueName,
  batchId: Uuid,
): Promise<Claimed | null> {
  if (!(await worker.live.reserve(queue))) {
    // This process stops: the job ends here, so nobody else would hear of the batch before its transit lease is over.
    await endTransit(worker.ctx.db.results, [batchId])
    return null
  }
  let claimed: Claimed | null = null
  try {
    claimed = await claim(worker.ctx, { batchId, queue, workerId: worker.id, bounds: worker.bounds })
  } finally {
    if (claimed === null) worker.live.release(queue)
  }
  if (claimed === null) return null
  worker.live.add(claimed.batch)
  worker.noteStoreTime(claimed.storeNowMs)
  worker.waitsMs[queue] = Math.max(worker.waitsMs[queue], claimed.waitMs)
  return claimed
}

async function admit(worker: DeliveryWorker, claimed: Claimed): Promise<void> {
  const { rows, batch } = claimed
  if (rows.length === 0) return deleteOwnBatch(worker.ctx.db.reads, batch.id, worker.id)
  const loaded = await prepare(worker, claimed)
  for (const row of rows) {
    const found = loaded?.get(row.facts.deliveryId)
    if (found === undefined || worker.isStopping()) worker.finish(giveBack(row))
    else admitRow(worker, { row, loaded: found, limits: limitsOf(worker, row) })
  }
}

/** Null: Postgres went away in between, or the catalogue can't be read; the rows go back unsent. */
async function prepare(
  { ctx }: DeliveryWorker,
  { rows, catalogueVersion }: Claimed,
): Promise<Map<Uuid, Loaded> | null> {
  try {
    // A control write holds for every claim after its answer, so nothing starts by an older catalogue.
    await ctx.catalogue.upTo(catalogueVersion)
    return await loadForRendering(ctx, rows)
  } catch (err) {
    ctx.log.warn({ err, rows: rows.length }, 'a claimed batch could not be prepared, its rows go back')
    return null
  }
}

function admitRow(worker: DeliveryWorker, laneRow: LaneRow): void {
  const outcome = refusedOnTheRoad(worker, laneRow)
  if (outcome !== null) worker.finish(outcome)
}

const limitsOf = ({ ctx }: DeliveryWorker, { destinationId }: { destinationId: Uuid }): Limits =>
  ctx.catalogue.destination(destinationId)?.definition ?? {}

/** Null: the row has its place in its lane. */
function refusedOnTheRoad({ ctx, lanes }: DeliveryWorker, laneRow: LaneRow): Outcome | null {
  const { row, limits } = laneRow
  const ban = travelBanOf(ctx.catalogue, { ...row.facts, ...row })
  if (ban !== null) return ban.cancel === null ? giveBack(row) : cancel(row, ban.cancel)
  const isReleased = row.batch.released && row.laneMode !== 'blocked'
  if (!isReleased && (row.laneMode !== 'direct' || isLimited(limits))) return giveBack(row)
  const admission = lanes.admit(row.destinationId, laneRow, isReleased, limits.concurrency)
  if (admission === 'placed') return null
  return admission === 'full' ? giveBack(row, { floods: true }) : giveBack(row)
}

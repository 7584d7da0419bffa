import { hostname } from 'node:os'
import { QUEUE_NAMES, type QueueName } from '../queue/queues.ts'
import type { DeliveryWorker } from './delivery-worker.ts'
import { upsertHeartbeat } from './store.ts'

/**
 * Shows that this worker lives, and how long batches waited for it since the last time: by that the queues' headroom
 * is decided in every process.
 */
export async function beat(worker: DeliveryWorker): Promise<void> {
  const waitsMs = Object.fromEntries(QUEUE_NAMES.map((queue) => [queue, takeWaitMs(worker, queue)]))
  await upsertHeartbeat(worker.ctx.db.reads, {
    id: worker.id,
    host: hostname(),
    pid: process.pid,
    rowsInMemory: worker.live.rowsInMemory(),
    waitsMs,
  })
}

function takeWaitMs({ live, waitsMs }: DeliveryWorker, queue: QueueName): number {
  const waitMs = Math.max(waitsMs[queue], live.roomWaitMs(queue))
  waitsMs[queue] = 0
  return Math.round(waitMs)
}

import type { Clock } from '../kit/clock.ts'
import type { Uuid } from '../kit/ids.ts'
import type { QueueName } from '../queue/queues.ts'
import { BATCH_ROWS_MAX, type LeaseBounds } from './batches.ts'
import type { LiveBatch, TravellingRow } from './travelling.ts'

/** Rows in the memory of one process. */
export const ROWS_MAX = 5000
/** Of these, rows that the sweeper let go. */
export const ROWS_AGAIN_MAX = ROWS_MAX / 2

/** The batches that this process holds, and how much of its memory they take. */
export type LiveBatches = {
  /** Waits for the room of one batch and reserves it. False: closed meanwhile. */
  reserve(queue: QueueName): Promise<boolean>
  /** Gives a reservation up: the claim brought nothing. */
  release(queue: QueueName): void
  /** Turns a reservation into a batch. */
  add(batch: LiveBatch): void
  has(batchId: Uuid): boolean
  /** After the commit of outcomes. The last row takes the batch with it. */
  settle(rows: readonly TravellingRow[]): void
  all(): Iterable<LiveBatch>
  /** Whether a call of this batch may start now: not lost, and its lease outlives the call. */
  mayStart(batch: LiveBatch): boolean
  /** Whether the lease may be renewed: an older batch should be long finished. */
  mayRenew(batch: LiveBatch): boolean
  rowsInMemory(): number
  /** How long the batch that waits longest for room has waited, ms. */
  roomWaitMs(queue: QueueName): number
  close(): void
}

type Waiter = { queue: QueueName; sinceMs: number; resolve(hasRoom: boolean): void }

export function createLiveBatches(clock: Clock, bounds: LeaseBounds): LiveBatches {
  const batches = new Map<Uuid, LiveBatch>()
  const rows: Record<QueueName, number> = { deliver: 0, 'deliver-again': 0 }
  let waiters: Waiter[] = []
  let closed = false

  const hasRoom = (queue: QueueName): boolean =>
    rows.deliver + rows['deliver-again'] + BATCH_ROWS_MAX <= ROWS_MAX &&
    (queue === 'deliver' || rows['deliver-again'] + BATCH_ROWS_MAX <= ROWS_AGAIN_MAX)

  const wake = (): void => {
    waiters = waiters.filter((waiter) => {
      if (!closed && !hasRoom(waiter.queue)) return true
      if (!closed) rows[waiter.queue] += BATCH_ROWS_MAX
      waiter.resolve(!closed)
      return false
    })
  }

  return {
    async reserve(queue) {
      if (closed) return false
      if (hasRoom(queue)) {
        rows[queue] += BATCH_ROWS_MAX
        return true
      }
      const { promise, resolve } = Promise.withResolvers<boolean>()
      waiters.push({ queue, sinceMs: clock.monotonicMs(), resolve })
      return promise
    },
    release(queue) {
      rows[queue] -= BATCH_ROWS_MAX
      wake()
    },
    add(batch) {
      rows[batch.queue] += batch.open - BATCH_ROWS_MAX
      if (batch.open > 0) batches.set(batch.id, batch)
      wake()
    },
    has: (batchId) => batches.has(batchId),
    settle(settled) {
      for (const { batch } of settled) {
        batch.open--
        rows[batch.queue]--
        if (batch.open === 0) batches.delete(batch.id)
      }
      wake()
    },
    all: () => batches.values(),
    mayStart: (batch) => !batch.lost && clock.monotonicMs() - batch.leasedAtMs < bounds.sendWindowMs,
    mayRenew: (batch) => !batch.lost && clock.monotonicMs() - batch.bornAtMs < bounds.renewAgeMaxMs,
    rowsInMemory: () => rows.deliver + rows['deliver-again'],
    roomWaitMs(queue) {
      const oldest = waiters.find((waiter) => waiter.queue === queue)
      return oldest === undefined ? 0 : clock.monotonicMs() - oldest.sinceMs
    },
    close() {
      closed = true
      wake()
    },
  }
}

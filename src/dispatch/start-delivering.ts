import { setTimeout as wait } from 'node:timers/promises'
import { isUnavailable } from '../db/database.ts'
import type { Uuid } from '../kit/ids.ts'
import { createDeliveryWorker, type DeliveringContext } from './create-delivery-worker.ts'
import { deliverBatch } from './deliver-batch.ts'
import { beat } from './heartbeat.ts'
import { renewLeases } from './renew-leases.ts'
import { repeat } from './repeat.ts'
import { deleteHeartbeat } from './store.ts'

const SECOND_MS = 1000
const MINUTE_MS = 60_000
/** Of SHUTDOWN_GRACE_MS, for the last flush and for what closes after this. */
const STOP_RESERVE_MS = 3000
const LAST_FLUSH_MS = 1000

export type Delivering = { close(): Promise<void> }

/** Takes jobs from both queues and carries their batches out, until it is closed. `id` names this process' claims. */
export function startDelivering(
  ctx: DeliveringContext,
  { id, random = Math.random }: { id: Uuid; random?: () => number },
): Delivering {
  const worker = createDeliveryWorker(ctx, { id, random })
  const log = (message: string) => (err: unknown) => {
    if (!isUnavailable(err)) ctx.log.error({ err }, message)
  }
  const heartbeat = repeat(SECOND_MS, () => beat(worker), log('the heartbeat could not be written'))
  const renewals = repeat(
    worker.bounds.renewEveryMs,
    () => renewLeases(worker),
    log('leases could not be renewed'),
  )
  const tidying = repeat(
    MINUTE_MS,
    async () => {
      worker.lanes.forgetIdle()
      worker.breakers.forgetIdle()
    },
    log('lanes could not be tidied'),
  )
  const jobs = ctx.queues.work((queue, batchId) =>
    worker.inFlight.track(deliverBatch(worker, queue, batchId)),
  )
  /** First of all, so that no process adds jobs for this one. */
  const sayGoodbye = async (): Promise<void> => {
    await heartbeat.stop()
    await deleteHeartbeat(ctx.db.reads, id).catch(log('the heartbeat could not be removed'))
  }
  return {
    async close() {
      worker.stop()
      const goodbyes = Promise.all([sayGoodbye(), jobs.close()])
      const callsMs = ctx.config.shutdownGraceMs - STOP_RESERVE_MS
      const isOver = pause(callsMs + LAST_FLUSH_MS)
      await Promise.race([worker.inFlight.idle(), pause(callsMs)])
      // What was sent and is not stored is sent again after the next start, so a Postgres that is away is waited for. A
      // goodbye may hang with it or the queue's backend away, and is worth a moment only.
      const goodbye = Promise.race([goodbyes, pause(LAST_FLUSH_MS)])
      await Promise.race([Promise.all([worker.drained(), goodbye]), isOver])
      void renewals.stop()
      void tidying.stop()
      await worker.close()
    },
  }
}

const pause = (ms: number): Promise<void> => wait(ms, undefined, { ref: false })

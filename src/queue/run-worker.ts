import type { Job } from 'bullmq'
import type { Logger } from 'pino'
import { withDeadline } from '../kit/deadline.ts'
import { createErrorStormGuard } from './error-storm.ts'
import type { RunBatch } from './queue-backend.ts'
import type { QueueName, QueueWorkers } from './queues.ts'

const CLOSE_LIMIT_MS = 3000
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Runs a job's batch. A job that none of ours wrote is dropped. Resolves to nothing, so that nothing is stored. */
export async function runJob(job: Pick<Job, 'data'>, queue: QueueName, run: RunBatch): Promise<void> {
  const batch: unknown = job.data?.batch
  if (typeof batch === 'string' && UUID.test(batch)) await run(queue, batch)
}

/** What the workers of both backends have in common. */
type BullWorker = {
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'failed', listener: (job: unknown, error: Error) => void): unknown
  pause(doNotWaitActive: boolean): Promise<void>
  resume(): Promise<void>
  close(): Promise<void>
  disconnect(): Promise<void>
}

/** Listens to what a BullMQ worker emits, keeps its errors from becoming a storm, and closes it in bounded time. */
export function superviseWorker(
  worker: BullWorker,
  options: { log: Logger; queue: QueueName; isOutage: (error: Error) => boolean },
): QueueWorkers {
  const { log, queue } = options
  const guard = createErrorStormGuard({
    pause: () => void worker.pause(true),
    resume: () => void worker.resume(),
    log,
    queue,
    nowMs: () => performance.now(),
  })
  // An outage is reported once by the producer, not again by each worker.
  worker.on('error', (error) => guard.onError(error, options.isOutage(error)))
  worker.on('failed', (_job, error) => guard.onError(error))
  return {
    async close() {
      guard.close()
      // Closing waits for running jobs and, with the backend away, for ever; what it leaves has a lease.
      await withDeadline(worker.close(), CLOSE_LIMIT_MS).catch((err: Error) => {
        log.warn({ err, queue }, 'queue worker did not close in time')
        worker.disconnect().catch(() => undefined)
      })
    },
  }
}

import { Queue, Worker } from 'bullmq'
import type { Logger } from 'pino'
import { type DbPool, isUnavailable, sqlState } from '../db/database.ts'
import { withServerOptions } from '../db/server-options.ts'
import { withDeadline } from '../kit/deadline.ts'
import { createSafePostgresBackend } from './postgres-listen.ts'
import { migrateQueueSchema, QUEUE_SCHEMA } from './postgres-schema.ts'
import {
  JOB_OPTIONS,
  type QueueBackend,
  type RunBatch,
  STREAM_OPTIONS,
  WORKER_OPTIONS,
} from './queue-backend.ts'
import { QUEUE_NAMES, type QueueName, type QueueWorkers } from './queues.ts'
import { runJob, superviseWorker } from './run-worker.ts'
import { startWhenReachable } from './start-when-reachable.ts'
import { countWaitingJobs } from './store.ts'

const READY_LIMIT_MS = 10_000
const CLOSE_LIMIT_MS = 2000

type Options = { databaseUrl: string; db: DbPool; log: Logger }

/**
 * The queues in the Postgres that holds everything else. One shard: each add commits with NOTIFY, which passes one
 * lock of the whole server anyway.
 */
export function createPostgresQueues(options: Options): QueueBackend {
  const { db, log } = options
  const producer = startWhenReachable({
    start: () => startProducer(options),
    stop: closeQueues,
    log,
    what: 'queues in Postgres',
  })
  return {
    kind: 'postgres',
    async add(queue, batchId) {
      const queues = producer.current()
      if (queues === null) throw new NotStartedError(producer.problem() ?? 'not started')
      await queues[queue].add('batch', { batch: batchId }, { jobId: batchId })
    },
    outcomeOf: (error) =>
      error instanceof NotStartedError || isCertainlyNotDone(error) ? 'failed' : 'maybe',
    depths: () => countWaitingJobs(db),
    liveShards: () => (producer.current() === null ? 0 : 1),
    work: (run) => startPostgresWorkers(options, run),
    problem: producer.problem,
    close: () => producer.close(),
  }
}

class NotStartedError extends Error {}

/** Postgres' own errors roll the add back, except where it says that the connection ends (08, 57P01, 57P02). */
function isCertainlyNotDone(error: Error): boolean {
  const state = sqlState(error)
  if (state !== null) return !/^(08|57P0[12])/.test(state)
  return (
    ('code' in error && error.code === 'ECONNREFUSED') ||
    /timeout exceeded when trying to connect/.test(error.message)
  )
}

/** A pg.Pool of our own would lack the search_path that BullMQ sets (measured), hence settings for each queue. */
const connectionOf = (databaseUrl: string, statementTimeoutMs: number) => ({
  // A job lost in a crash of Postgres is one lost hint.
  ...withServerOptions(databaseUrl, `-c synchronous_commit=off -c statement_timeout=${statementTimeoutMs}`),
  application_name: 'relay queue',
  schema: QUEUE_SCHEMA,
  skipVersionCheck: true,
  max: 2,
  connectionTimeoutMillis: 2000,
  keepAlive: true,
  // Where the connection is dead the server's own limit never comes back; pg then gives the connection up.
  query_timeout: statementTimeoutMs + 500,
})

async function startProducer(options: Options): Promise<ProducerQueues> {
  await migrateQueueSchema(options.db)
  const queues = {
    deliver: buildQueue('deliver', options),
    'deliver-again': buildQueue('deliver-again', options),
  }
  try {
    const ready = QUEUE_NAMES.map((name) => queues[name].waitUntilReady())
    await withDeadline(Promise.all(ready), READY_LIMIT_MS)
  } catch (error) {
    await closeQueues(queues)
    throw error
  }
  return queues
}

type ProducerQueues = Record<QueueName, ReturnType<typeof buildQueue>>

function buildQueue(name: QueueName, { databaseUrl, log }: Options) {
  const queue = new Queue(
    name,
    {
      connection: connectionOf(databaseUrl, 2000),
      defaultJobOptions: JOB_OPTIONS,
      streams: STREAM_OPTIONS,
    },
    createSafePostgresBackend,
  )
  queue.on('error', (err: Error) => log.debug({ err, queue: name }, 'queue connection lost'))
  return queue
}

async function closeQueues(queues: ProducerQueues): Promise<void> {
  const closing = QUEUE_NAMES.map((name) => queues[name].close())
  await withDeadline(Promise.allSettled(closing), CLOSE_LIMIT_MS).catch(() => undefined)
}

function startPostgresWorkers(options: Options, run: RunBatch): QueueWorkers {
  const { log } = options
  const workers = startWhenReachable({
    async start() {
      await migrateQueueSchema(options.db)
      return startBoth(options, run)
    },
    stop: closeWorkers,
    log,
    what: 'queue workers',
  })
  return { close: () => workers.close() }
}

async function startBoth(options: Options, run: RunBatch): Promise<QueueWorkers[]> {
  const start = (queue: QueueName) => {
    const worker = new Worker(
      queue,
      (job) => runJob(job, queue, run),
      { ...WORKER_OPTIONS, connection: connectionOf(options.databaseUrl, 5000) },
      createSafePostgresBackend,
    )
    const supervised = superviseWorker(worker, { log: options.log, queue, isOutage: isUnavailable })
    return { ready: worker.waitUntilReady(), supervised }
  }
  const both = QUEUE_NAMES.map(start)
  const supervised = both.map((one) => one.supervised)
  try {
    await withDeadline(Promise.all(both.map((one) => one.ready)), READY_LIMIT_MS)
  } catch (error) {
    await closeWorkers(supervised)
    throw error
  }
  return supervised
}

async function closeWorkers(workers: QueueWorkers[]): Promise<void> {
  await Promise.all(workers.map((worker) => worker.close()))
}

import { Worker } from 'bullmq'
import type { Logger } from 'pino'
import { toError } from '../kit/app-error.ts'
import { type QueueBackend, type RunBatch, WORKER_OPTIONS } from './queue-backend.ts'
import { QUEUE_NAMES, type QueueName, type QueueWorkers } from './queues.ts'
import {
  isRedisOutage,
  openProducerClient,
  openWorkerConnection,
  type RedisAddress,
} from './redis-connections.ts'
import { startRedisProducer } from './redis-producer.ts'
import { addToFirst, isCertainlyNotDone, liveShards, NoShardError, readDepths } from './redis-shards.ts'
import { runJob, superviseWorker } from './run-worker.ts'
import { shardPrefixes } from './shard-prefixes.ts'

/** Adds are tried again after 8 s at the latest, see headroom.ts. */
const REFUSAL_MS = 10_000

/** The queues on one Redis 7 or Valkey, or on the shards of a Redis Cluster. It may be down at start and come and go. */
export function createRedisQueues(
  options: RedisAddress & { log: Logger; nowMs: () => number },
): QueueBackend {
  const { log, nowMs } = options
  const prefixes = shardPrefixes(options.shards)
  const client = openProducerClient(options)
  const producer = startRedisProducer({ client, prefixes, log })
  let turn = 0
  let refusal: { reason: string; atMs: number } | null = null

  const describeRefusal = (): string | null =>
    refusal === null || nowMs() - refusal.atMs > REFUSAL_MS ? null : `Redis takes no jobs: ${refusal.reason}`

  return {
    kind: 'redis',
    async add(queue, batchId) {
      const shards = producer.shards()
      if (shards === null) throw new NoShardError(producer.problem())
      turn = (turn + 1) % shards.length
      const inTurn = [...shards.slice(turn), ...shards.slice(0, turn)]
      try {
        await addToFirst(liveShards(inTurn, nowMs()), { queue, batchId }, nowMs)
        refusal = null
      } catch (cause) {
        const error = toError(cause)
        if (!isRedisOutage(error)) refusal = { reason: error.message, atMs: nowMs() }
        throw error
      }
    },
    outcomeOf: (error) => (isCertainlyNotDone(error) ? 'failed' : 'maybe'),
    depths: () => readDepths(client, producer.shards() ?? []),
    liveShards: () => liveShards(producer.shards() ?? [], nowMs()).length,
    work: (run) => startRedisWorkers({ address: options, prefixes, log, run }),
    problem: () => producer.problem() ?? describeSilent(producer.shards() ?? []) ?? describeRefusal(),
    async close() {
      producer.close()
    },
  }
}

function describeSilent(shards: { answers: boolean }[]): string | null {
  const silent = shards.filter((shard) => !shard.answers).length
  return silent === 0 ? null : `${silent} of ${shards.length} queue shards on Redis do not answer`
}

function startRedisWorkers(options: {
  address: RedisAddress
  prefixes: string[]
  log: Logger
  run: RunBatch
}): QueueWorkers {
  const { log, run } = options
  const connection = openWorkerConnection(options.address)
  connection.client.on('error', () => undefined)
  const start = (queue: QueueName, prefix: string): QueueWorkers => {
    const worker = new Worker(queue, (job) => runJob(job, queue, run), {
      ...WORKER_OPTIONS,
      connection: connection.client,
      prefix,
      skipVersionCheck: true,
    })
    return superviseWorker(worker, { log, queue, isOutage: isRedisOutage })
  }
  const workers = options.prefixes.flatMap((prefix) => QUEUE_NAMES.map((queue) => start(queue, prefix)))
  return {
    async close() {
      await Promise.all(workers.map((worker) => worker.close()))
      connection.disconnect()
    },
  }
}

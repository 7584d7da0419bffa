import { Worker } from 'bullmq'
import type { Logger } from 'pino'
import { toError } from '../kit/app-error.ts'
import type { Uuid } from '../kit/ids.ts'
import { type QueueBackend, type QueueDepths, type RunBatch, WORKER_OPTIONS } from './queue-backend.ts'
import { QUEUE_NAMES, type QueueName, type QueueWorkers } from './queues.ts'
import {
  isNeverSent,
  isRedisOutage,
  openProducerClient,
  openWorkerConnection,
  type RedisAddress,
  type RedisClient,
} from './redis-connections.ts'
import { type Shard, startRedisProducer } from './redis-producer.ts'
import { runJob, superviseWorker } from './run-worker.ts'
import { shardPrefixes } from './shard-prefixes.ts'

const SKIP_FAILED_SHARD_MS = 1000

/** The queues on one Redis 7 or Valkey, or on the shards of a Redis Cluster. It may be down at start and come and go. */
export function createRedisQueues(
  options: RedisAddress & { log: Logger; nowMs: () => number },
): QueueBackend {
  const { log, nowMs } = options
  const prefixes = shardPrefixes(options.shards)
  const client = openProducerClient(options)
  const producer = startRedisProducer({ client, prefixes, log })
  const isLive = (shard: Shard): boolean => nowMs() - shard.failedAtMs >= SKIP_FAILED_SHARD_MS
  let turn = 0

  return {
    kind: 'redis',
    async add(queue, batchId) {
      const shards = producer.shards()
      if (shards === null) throw new NoShardError(producer.problem())
      turn = (turn + 1) % shards.length
      const inTurn = [...shards.slice(turn), ...shards.slice(0, turn)]
      await addToFirst(inTurn.filter(isLive), { queue, batchId, nowMs })
    },
    outcomeOf: (error) => (error instanceof NoShardError || isCertainlyNotDone(error) ? 'failed' : 'maybe'),
    depths: () => readDepths(client, producer.shards() ?? [], nowMs),
    liveShards: () => producer.shards()?.filter(isLive).length ?? 0,
    work: (run) => startRedisWorkers({ address: options, prefixes, log, run }),
    problem: producer.problem,
    async close() {
      producer.close()
    },
  }
}

class NoShardError extends Error {
  constructor(problem: string | null) {
    super(problem ?? 'every shard failed a moment ago')
    this.name = 'NoShardError'
  }
}

const isCertainlyNotDone = (error: Error): boolean => error.name === 'ReplyError' || isNeverSent(error)

/** A shard that fails for certain is skipped and the next one asked; an add that may have worked is not repeated. */
async function addToFirst(
  shards: Shard[],
  job: { queue: QueueName; batchId: Uuid; nowMs: () => number },
): Promise<void> {
  let failure: Error = new NoShardError(null)
  for (const shard of shards) {
    try {
      await shard[job.queue].add('batch', { batch: job.batchId }, { jobId: job.batchId })
      return
    } catch (cause) {
      failure = toError(cause)
      if (shards.length > 1) shard.failedAtMs = job.nowMs()
      if (!isCertainlyNotDone(failure)) break
    }
  }
  throw failure
}

/** One pipeline per shard, since a cluster's pipeline must stay on one node. Rejects where no shard answers. */
async function readDepths(client: RedisClient, shards: Shard[], nowMs: () => number): Promise<QueueDepths> {
  const depths: QueueDepths = { deliver: 0, 'deliver-again': 0 }
  const reads = await Promise.allSettled(shards.map((shard) => readShardDepths(client, shard)))
  let failure: unknown = new NoShardError(null)
  let answered = 0
  for (const [i, read] of reads.entries()) {
    const shard = shards[i]
    if (read.status === 'fulfilled') {
      answered++
      for (const queue of QUEUE_NAMES) depths[queue] += read.value[queue]
    } else {
      failure = read.reason
      if (shard !== undefined && shards.length > 1) shard.failedAtMs = nowMs()
    }
  }
  if (answered === 0) throw failure
  return depths
}

async function readShardDepths(client: RedisClient, shard: Shard): Promise<QueueDepths> {
  const pipeline = client.pipeline()
  for (const queue of QUEUE_NAMES) pipeline.llen(shard[queue].toKey('wait'))
  const [fresh, again] = (await pipeline.exec()) ?? []
  return { deliver: lengthOf(fresh), 'deliver-again': lengthOf(again) }
}

function lengthOf(reply: [Error | null, unknown] | undefined): number {
  if (reply === undefined) throw new Error('Redis answered a pipeline in part')
  if (reply[0] !== null) throw reply[0]
  return Number(reply[1])
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

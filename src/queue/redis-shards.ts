import { toError } from '../kit/app-error.ts'
import { withDeadline } from '../kit/deadline.ts'
import type { Uuid } from '../kit/ids.ts'
import type { QueueDepths } from './queue-backend.ts'
import { QUEUE_NAMES, type QueueName } from './queues.ts'
import { isNeverSent, type RedisClient } from './redis-connections.ts'
import type { Shard } from './redis-producer.ts'

const SKIP_AFTER_FAILED_ADD_MS = 1000
/** Under the limit of the whole poll, so that one frozen master does not take the room of all shards. */
const SHARD_READ_LIMIT_MS = 500

/** No shard took the job: nothing was sent. */
export class NoShardError extends Error {
  constructor(problem: string | null) {
    super(problem ?? 'no queue shard answers')
    this.name = 'NoShardError'
  }
}

export const isCertainlyNotDone = (error: Error): boolean =>
  error instanceof NoShardError || error.name === 'ReplyError' || isNeverSent(error)

/** The shards that take jobs now: all that answered the last poll and failed no add in the last second. */
export function liveShards(shards: Shard[], nowMs: number): Shard[] {
  // With one shard there is nothing to fall back on, and the headroom knows when to stop.
  if (shards.length === 1) return shards
  return shards.filter((shard) => shard.answers && nowMs - shard.failedAtMs >= SKIP_AFTER_FAILED_ADD_MS)
}

/** Asks one shard after the other as long as the failure is certain; an add that may have worked is not repeated. */
export async function addToFirst(
  shards: Shard[],
  job: { queue: QueueName; batchId: Uuid },
  nowMs: () => number,
): Promise<void> {
  let failure: Error | null = null
  for (const shard of shards) {
    try {
      await shard[job.queue].add('batch', { batch: job.batchId }, { jobId: job.batchId })
      return
    } catch (cause) {
      failure = toError(cause)
      shard.failedAtMs = nowMs()
      if (!isCertainlyNotDone(failure)) break
    }
  }
  throw failure ?? new NoShardError(null)
}

/** The sum over all shards that answer, each marked accordingly. Rejects where none does. */
export async function readDepths(client: RedisClient, shards: Shard[]): Promise<QueueDepths> {
  const depths: QueueDepths = { deliver: 0, 'deliver-again': 0 }
  let failure: Error = new NoShardError(null)
  const read = async (shard: Shard): Promise<void> => {
    try {
      const found = await withDeadline(readShardDepths(client, shard), SHARD_READ_LIMIT_MS)
      for (const queue of QUEUE_NAMES) depths[queue] += found[queue]
      shard.answers = true
    } catch (cause) {
      failure = toError(cause)
      shard.answers = false
    }
  }
  await Promise.all(shards.map(read))
  if (!shards.some((shard) => shard.answers)) throw failure
  return depths
}

/** One pipeline per shard, since a pipeline must stay on one node of a cluster. */
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

import { Queue } from 'bullmq'
import type { Logger } from 'pino'
import { toError } from '../kit/app-error.ts'
import { type BatchJob, JOB_OPTIONS, STREAM_OPTIONS } from './queue-backend.ts'
import type { QueueName } from './queues.ts'
import type { RedisClient } from './redis-connections.ts'
import { readRedisInfo } from './redis-server-check.ts'

/** The two BullMQ queues under one key prefix. */
export type Shard = Record<QueueName, Queue<BatchJob>> & {
  /** When an add to it last failed (monotonic ms). */
  failedAtMs: number
  /** False while its depth can not be read. */
  answers: boolean
}

export type RedisProducer = {
  /** Null until Redis has answered once. */
  shards(): Shard[] | null
  problem(): string | null
  close(): void
}

/**
 * Watches one connection and builds the queues each time Redis becomes ready: a BullMQ Queue that met a dead Redis in
 * its first moments stays dead (measured), and a Redis that came back empty needs its queues' settings again.
 */
export function startRedisProducer(options: {
  client: RedisClient
  prefixes: string[]
  log: Logger
}): RedisProducer {
  const { client, prefixes, log } = options
  let shards: Shard[] | null = null
  let problem: string | null = 'Redis has not answered yet'
  let isReportedDown = false
  let warnedPolicy: string | null = null

  const onDown = (reason: string): void => {
    problem = `Redis does not answer: ${reason}`
    if (isReportedDown) return
    isReportedDown = true
    log.warn({ reason }, 'Redis does not answer; deliveries wait in Postgres until it does')
  }

  const onReady = async (): Promise<void> => {
    const server = readRedisInfo(await client.info().catch(() => ''))
    if (client.status !== 'ready') return
    if (server.tooOld) {
      problem = `Redis ${server.version} is too old; REDIS_URL needs Redis 7 or newer, or Valkey`
      log.error(problem)
      return
    }
    const policy = server.evictionPolicy
    if (policy !== null && policy !== 'noeviction' && policy !== warnedPolicy) {
      warnedPolicy = policy
      log.warn({ policy }, 'Redis may evict queue keys; set its maxmemory-policy to noeviction')
    }
    closeShards(shards)
    shards = prefixes.map((prefix) => buildShard(client, prefix))
    problem = null
    if (isReportedDown) log.info('Redis answers again')
    isReportedDown = false
  }

  let lastError = 'connection closed'
  client.on('error', (error) => {
    lastError = describe(toError(error))
  })
  client.on('close', () => onDown(lastError))
  client.on('ready', () => void onReady().catch((error) => onDown(toError(error).message)))
  return {
    shards: () => shards,
    problem: () => problem,
    close() {
      client.removeAllListeners('close')
      closeShards(shards)
      client.disconnect()
    },
  }
}

function describe(error: Error): string {
  const reason = error.message !== '' ? error.message : 'code' in error ? String(error.code) : error.name
  // A cluster's own error says only that every node failed, not why.
  const cause = 'lastNodeError' in error ? error.lastNodeError : undefined
  return cause instanceof Error ? `${reason} ${cause.message}` : reason
}

function buildShard(client: RedisClient, prefix: string): Shard {
  const build = (name: QueueName): Queue<BatchJob> => {
    const queue = new Queue<BatchJob>(name, {
      connection: client,
      prefix,
      skipWaitingForReady: true,
      skipVersionCheck: true,
      defaultJobOptions: JOB_OPTIONS,
      streams: STREAM_OPTIONS,
    })
    // The connection's own listener reports what this one repeats.
    queue.on('error', () => undefined)
    return queue
  }
  return {
    deliver: build('deliver'),
    'deliver-again': build('deliver-again'),
    failedAtMs: Number.NEGATIVE_INFINITY,
    answers: true,
  }
}

/** The connection is not the queues' own, so closing them only takes their listeners off it. */
function closeShards(shards: Shard[] | null): void {
  for (const shard of shards ?? []) {
    void shard.deliver.close().catch(() => undefined)
    void shard['deliver-again'].close().catch(() => undefined)
  }
}

import type { Logger } from 'pino'
import type { Config } from '../../config/schema.ts'
import type { Database } from '../db/database.ts'
import { createHeadroom } from './headroom.ts'
import { startHeadroomPoller } from './headroom-poller.ts'
import { createPostgresQueues } from './postgres-queues.ts'
import type { QueueBackend } from './queue-backend.ts'
import type { Queues } from './queues.ts'
import { createRedisQueues } from './redis-queues.ts'
import { createSafeHint } from './safe-hint.ts'
import { readWorkerPressure } from './store.ts'

/**
 * The queues on Redis where REDIS_URL is set, else in Postgres. Never fails and never waits: whatever is away may come
 * later. databaseUrl is where BullMQ's Postgres backend connects to; `db` is only borrowed.
 */
export function createQueues(options: {
  config: Pick<Config, 'redisUrl' | 'queueShards'>
  log: Logger
  db: Database
  databaseUrl: string
}): Queues {
  const { db, log } = options
  const nowMs = (): number => performance.now()
  const backend = openBackend(options, nowMs)
  const headroom = createHeadroom()
  // The pool of results: reports may hold every connection of `reads` for seconds.
  const poller = startHeadroomPoller({
    headroom,
    nowMs,
    async readPressure() {
      const [depths, workers] = await Promise.all([backend.depths(), readWorkerPressure(db.results)])
      return { depths, liveShards: backend.liveShards(), ...workers }
    },
  })
  const hint = createSafeHint({ backend, headroom, nowMs })
  return {
    backend: backend.kind,
    hint,
    room(queue) {
      const atMs = nowMs()
      poller.asked(atMs)
      return headroom.room(queue, atMs)
    },
    take: headroom.take,
    work: (run) => backend.work(run),
    problem: () => backend.problem(),
    async close() {
      poller.close()
      await backend.close()
      log.debug('queues closed')
    },
  }
}

function openBackend(options: Parameters<typeof createQueues>[0], nowMs: () => number): QueueBackend {
  const { config, log, db, databaseUrl } = options
  if (config.redisUrl === null) return createPostgresQueues({ databaseUrl, db: db.results, log })
  return createRedisQueues({ redisUrl: config.redisUrl, shards: config.queueShards, log, nowMs })
}

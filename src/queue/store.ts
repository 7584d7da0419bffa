import type { Db } from '../db/database.ts'
import type { QueueDepths } from './queue-backend.ts'
import { QUEUE_NAMES, type QueueName } from './queues.ts'

/** A poll on a dead connection must end, so that the next one gets another connection of the pool. */
const QUERY_TIMEOUT_MS = 1000

const ZERO: QueueDepths = { deliver: 0, 'deliver-again': 0 }

/** Waiting BullMQ jobs of both queues, counted up to 1,000 each. Throws 42P01 before the schema is there. */
export async function countWaitingJobs(db: Db): Promise<QueueDepths> {
  const statement = {
    query_timeout: QUERY_TIMEOUT_MS,
    text: `select q.queue,
                  (select count(*)::int
                     from (select from bullmq.job j where j.queue = q.queue and j.state = 'waiting' limit 1000) w
                  ) as waiting
             from unnest($1::text[]) q (queue)`,
    values: [QUEUE_NAMES],
  }
  const { rows } = await db.query<{ queue: QueueName; waiting: number }>(statement)
  const depths = { ...ZERO }
  for (const row of rows) depths[row.queue] = row.waiting
  return depths
}

/** How many workers have a young heartbeat, and the longest wait each queue's claims saw in their last second. */
export async function readWorkerPressure(db: Db): Promise<{ workersAlive: number; waitsMs: QueueDepths }> {
  const statement = {
    query_timeout: QUERY_TIMEOUT_MS,
    name: 'queue_worker_pressure',
    text: `select count(*)::int as alive,
                  coalesce(max((waits_ms ->> 'deliver')::float8), 0) as deliver,
                  coalesce(max((waits_ms ->> 'deliver-again')::float8), 0) as again
             from workers
            where heartbeat_at > now() - interval '5 seconds'`,
  }
  const { rows } = await db.query<{ alive: number; deliver: number; again: number }>(statement)
  const row = rows[0]
  if (row === undefined) return { workersAlive: 0, waitsMs: { ...ZERO } }
  return { workersAlive: row.alive, waitsMs: { deliver: row.deliver, 'deliver-again': row.again } }
}

import { pino } from 'pino'
import { type Database, openDatabase } from '../../src/db/database.ts'
import { newUuid } from '../../src/kit/ids.ts'
import { createQueues } from '../../src/queue/create-queues.ts'
import type { QueueName, Queues, QueueWorkers } from '../../src/queue/queues.ts'
import { createTestDatabase } from './postgres.ts'

export type LogLine = { level: number; msg: string } & Record<string, unknown>

export type QueueRig = {
  queues: Queues
  db: Database
  lines: LogLine[]
  /** What the workers ran, in order. */
  ran: { queue: QueueName; batchId: string }[]
  work(run?: (queue: QueueName, batchId: string) => Promise<void>): QueueWorkers
  /** Writes the heartbeat row of a worker that lives for the whole test. */
  beat(waitsMs?: Partial<Record<QueueName, number>>): Promise<void>
  /** Removes that row: no worker lives. */
  stopBeating(): Promise<void>
  close(): Promise<void>
}

/** Queues on a database of their own, with what they log and run on record. */
export async function openQueueRig(options: {
  redisUrl?: string
  shards?: number
  databaseUrl?: (connectionString: string) => Promise<string>
}): Promise<QueueRig> {
  const database = await createTestDatabase()
  const databaseUrl = (await options.databaseUrl?.(database.connectionString)) ?? database.connectionString
  const lines: LogLine[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const db = openDatabase({ connectionString: databaseUrl, log, applicationName: 'test' })
  const direct = openDatabase({
    connectionString: database.connectionString,
    log,
    applicationName: 'test direct',
  })
  const config = { redisUrl: options.redisUrl ?? null, queueShards: options.shards ?? 1 }
  const queues = createQueues({ config, log, db, databaseUrl })
  const ran: QueueRig['ran'] = []
  const workers: QueueWorkers[] = []
  const workerId = newUuid(Date.now())
  return {
    queues,
    db: direct,
    lines,
    ran,
    work(run = async () => undefined) {
      const started = queues.work(async (queue, batchId) => {
        ran.push({ queue, batchId })
        await run(queue, batchId)
      })
      workers.push(started)
      return started
    },
    async beat(waitsMs = {}) {
      await direct.reads.query({
        text: `insert into workers (id, host, pid, heartbeat_at, waits_ms) values ($1, 'test', 1, now() + interval '1 hour', $2)
               on conflict (id) do update set waits_ms = excluded.waits_ms`,
        values: [workerId, waitsMs],
      })
    },
    async stopBeating() {
      await direct.reads.query({ text: 'delete from workers' })
    },
    async close() {
      await Promise.all(workers.map((one) => one.close()))
      await queues.close()
      await db.close()
      await direct.close()
      await database.drop()
    },
  }
}

export const newBatchId = (): string => newUuid(Date.now())

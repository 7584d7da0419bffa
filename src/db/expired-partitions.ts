import { lowestUuid } from '../kit/ids.ts'
import type { Db, DbPool } from './database.ts'
import { isExpired, PARTITIONED_TABLES, type PartitionedTable, type Span, spanOf } from './partition-plan.ts'
import { retryLocks } from './partitions.ts'

type Retention = { nowMs: number; retentionDays: number; retentionBodiesDays: number }

/** Names of partitions; `kept`: past their time, but something unfinished needs them, which is worth an alert. */
export type Expiry = { dropped: string[]; kept: string[] }

/** Work that is not finished reads these. */
const NEEDED_BY_UNFINISHED = new Set(['revisions', 'deliveries', 'attempts'])
const KEYS_PER_STEP = 1000

/**
 * Removes the partitions whose rows are all older than their retention, and the click ids of removed clicks. Running
 * work is not held up. May be called by several processes at once, and again after it was cut off anywhere.
 */
export async function dropExpiredPartitions(db: DbPool, retention: Retention): Promise<Expiry> {
  const result: Expiry = { dropped: [], kept: [] }
  for (const table of PARTITIONED_TABLES) {
    for (const span of await listExpired(db, table, retention)) {
      // Each time, since an old delivery may be replayed while a large partition is dropped.
      const isNeeded =
        NEEDED_BY_UNFINISHED.has(table.table) && (await findLowestUnfinished(db)) < lowestUuid(span.toMs)
      if (!isNeeded) await dropPartition(db, table.table, span)
      result[isNeeded ? 'kept' : 'dropped'].push(span.name)
    }
  }
  return result
}

async function listExpired(db: Db, table: PartitionedTable, retention: Retention): Promise<Span[]> {
  // Also those that are detached already, by a drop that was cut off.
  const { rows } = await db.query<{ name: string }>({
    text: `select relname as name from pg_class
      where relkind = 'r' and relnamespace = current_schema()::regnamespace order by relname`,
  })
  return rows
    .map(({ name }) => spanOf(table, name))
    .filter((span) => span !== null)
    .filter((span) => isExpired(span, retention.nowMs, retention[table.kept]))
}

/** The lowest delivery id that waits or travels; the highest uuid if none does. */
async function findLowestUnfinished(db: Db): Promise<string> {
  const found = await db.query<{ id: string }>({
    text: `select id from (
        (select delivery_id as id from due order by delivery_id limit 1)
        union all
        (select u.id from batches b cross join unnest(b.deliveries) u(id) order by u.id limit 1)
      ) unfinished order by id limit 1`,
  })
  return found.rows[0]?.id ?? 'ffffffff-ffff-ffff-ffff-ffffffffffff'
}

async function dropPartition(db: DbPool, parent: string, span: Span): Promise<void> {
  if (parent === 'clicks') await deleteClickKeys(db, span.name)
  await retryLocks(() => detachAndDrop(db, parent, span.name))
}

/** By the ids that the partition itself holds, so that no index on click_keys.id has to be kept. */
async function deleteClickKeys(db: Db, partition: string): Promise<void> {
  let after: string | null = lowestUuid(0)
  while (after !== null) {
    const step: { rows: { last: string | null }[] } = await db.query<{ last: string | null }>({
      text: `with page as (select id, click_id from ${partition} where id > $1 order by id limit ${KEYS_PER_STEP}),
          gone as (delete from click_keys k using page p where k.click_id = p.click_id and k.id = p.id)
        select (select id from page order by id desc limit 1) as last`,
      values: [after],
    })
    after = step.rows[0]?.last ?? null
  }
}

/** Detaching concurrently must not be in a transaction, so the lock timeout is set on the connection and taken back. */
async function detachAndDrop(db: DbPool, parent: string, name: string): Promise<void> {
  const client = await db.connect()
  let broken: Error | undefined
  try {
    await client.query(`set lock_timeout = '200ms'`)
    const state = await client.query<{ pending: boolean }>(
      `select inhdetachpending as pending from pg_inherits where inhrelid = to_regclass($1)`,
      [name],
    )
    const how = state.rows[0]?.pending ? 'finalize' : 'concurrently'
    if (state.rows.length > 0) await client.query(`alter table ${parent} detach partition ${name} ${how}`)
    await client.query(`drop table if exists ${name}`)
  } finally {
    await client.query('reset lock_timeout').catch((error: Error) => {
      broken = error
    })
    client.release(broken)
  }
}

import { setTimeout as delay } from 'node:timers/promises'
import { lowestUuid } from '../kit/ids.ts'
import { type Db, type DbPool, sqlState, type Tx, withTx } from './database.ts'
import { PARTITIONED_TABLES, type PartitionedTable, type Span, wantedSpans } from './partition-plan.ts'

const LOCK_TRIES_MAX = 50
const LOCK_NOT_AVAILABLE = '55P03'
/** So long the lock's holder and all who queued behind our request have the table for themselves. */
const LOCK_PAUSE_MS = 200

/**
 * Makes the partitions that are missing at nowMs. Safe beside running work and beside itself: no lock that writers
 * meet is waited for longer than 200 ms. Returns the names of what was made.
 */
export async function ensurePartitions(db: DbPool, nowMs: number): Promise<string[]> {
  const made: string[] = []
  for (const table of PARTITIONED_TABLES) made.push(...(await ensureTable(db, table, nowMs)))
  return made
}

async function ensureTable(db: DbPool, table: PartitionedTable, nowMs: number): Promise<string[]> {
  const known = await listPartitions(db, table.table)
  const missing = wantedSpans(table, nowMs, known.length === 0).filter((span) => !known.includes(span.name))
  if (missing.length === 0) return []
  return retryLocks(() =>
    withTx(db, async (tx) => {
      await lockPartitioning(tx)
      const there = await listPartitions(tx, table.table)
      const spans = missing.filter((span) => !there.includes(span.name))
      for (const span of spans) await attachNew(tx, table, span)
      return spans.map((span) => span.name)
    }),
  )
}

/** One process at a time; the lock ends with the transaction. */
async function lockPartitioning(tx: Tx): Promise<void> {
  await tx.query({ text: `set local lock_timeout = '200ms'` })
  await tx.query({ text: `select pg_advisory_xact_lock(hashtext('partitions'))` })
}

/**
 * A table made alone and attached takes no lock on its parent that stops writers, unlike `create table ... partition
 * of`; its check saves the scan under lock.
 */
async function attachNew(tx: Tx, table: PartitionedTable, span: Span): Promise<void> {
  const from = `'${lowestUuid(span.fromMs)}'`
  const to = `'${lowestUuid(span.toMs)}'`
  const { table: parent, column } = table
  await tx.query({ text: `drop table if exists ${span.name}` })
  await tx.query({ text: `create table ${span.name} (like ${parent} including all)` })
  await takeOverStatistics(tx, parent, span.name)
  await tx.query({
    text: `alter table ${span.name} add constraint in_range check (${column} >= ${from} and ${column} < ${to})`,
  })
  await tx.query({
    text: `alter table ${parent} attach partition ${span.name} for values from (${from}) to (${to})`,
  })
  await tx.query({ text: `alter table ${span.name} drop constraint in_range` })
}

/** Which columns are not counted: `like` does not copy that. */
async function takeOverStatistics(tx: Tx, parent: string, name: string): Promise<void> {
  const { rows } = await tx.query<{ changes: string | null }>({
    text: `select string_agg(format('alter column %I set statistics 0', attname), ', ') as changes
      from pg_attribute where attrelid = $1::regclass and attstattarget = 0 and attnum > 0 and not attisdropped`,
    values: [parent],
  })
  const changes = rows[0]?.changes ?? null
  if (changes !== null) await tx.query({ text: `alter table ${name} ${changes}` })
}

/** Names of the partitions that are attached, oldest first. */
export async function listPartitions(db: Db, parent: string): Promise<string[]> {
  const found = await db.query<{ name: string }>({
    text: `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = $1::regclass order by c.relname`,
    values: [parent],
  })
  return found.rows.map((row) => row.name)
}

export const isLockMissing = (error: unknown): boolean => sqlState(error) === LOCK_NOT_AVAILABLE

/** Runs fn again, for some 20 s, where a lock was not to be had in time. fn runs in one transaction, or can be repeated. */
export async function retryLocks<T>(fn: () => Promise<T>, triesMax = LOCK_TRIES_MAX): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await fn()
    } catch (error) {
      if (tries >= triesMax || !isLockMissing(error)) throw error
    }
    await delay(LOCK_PAUSE_MS)
  }
}

import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { Db } from './database.ts'

type WantedIndex = { name: string; table: string; definition: string }

const MIGRATING = `hashtext('migrating')`
const LOCK_RETRY_MS = 200
const CREATE_INDEX = /^create index if not exists (\w+) on (\w+) (\(.+);$/gm

/**
 * Builds the indexes of a pending migration beside running work, so that the migration finds them made. Of a partitioned
 * table each partition gets its own, which `create index` on the parent then attaches. Can be repeated after it was cut
 * off. Needs lockMigrating, and a connection without a transaction.
 */
export async function buildIndexes(db: Db, migrationFiles: readonly string[]): Promise<void> {
  for (const file of migrationFiles) {
    const text = await readFile(file, 'utf8')
    for (const [, name = '', table = '', definition = ''] of text.matchAll(CREATE_INDEX))
      await buildIndex(db, { name, table, definition })
  }
}

/**
 * One process at a time until its connection ends. Asked for again and again: a session that waits for a lock has a
 * snapshot, which a concurrent build waits for in turn.
 */
export async function lockMigrating(db: Db): Promise<void> {
  for (;;) {
    const { rows } = await db.query<{ locked: boolean }>({
      text: `select pg_try_advisory_lock(${MIGRATING}) as locked`,
    })
    if (rows[0]?.locked) return
    await delay(LOCK_RETRY_MS)
  }
}

async function buildIndex(db: Db, index: WantedIndex): Promise<void> {
  if ((await findIndex(db, index.name)) === 'valid') return
  const { rows } = await db.query<{ name: string }>({
    text: `select c.relname as name from pg_class t left join pg_inherits i on i.inhparent = t.oid
        join pg_class c on c.oid = coalesce(i.inhrelid, t.oid)
      where t.oid = to_regclass($1) and (t.relkind = 'r' or i.inhrelid is not null)`,
    values: [index.table],
  })
  for (const { name } of rows)
    await buildOn(
      db,
      name,
      name === index.table ? index.name : indexNameOf(index.name, index.table, name),
      index,
    )
}

/** deliveries_state of deliveries on deliveries_2026_11: deliveries_2026_11_state. */
const indexNameOf = (index: string, table: string, partition: string): string =>
  `${partition}${index.slice(table.length)}`

async function buildOn(db: Db, table: string, name: string, index: WantedIndex): Promise<void> {
  const found = await findIndex(db, name)
  if (found === 'valid') return
  // What an interrupted build leaves behind.
  if (found === 'unfinished') await db.query({ text: `drop index concurrently ${name}` })
  await db.query({ text: `create index concurrently if not exists ${name} on ${table} ${index.definition}` })
}

async function findIndex(db: Db, name: string): Promise<'valid' | 'unfinished' | null> {
  const { rows } = await db.query<{ valid: boolean }>({
    text: 'select indisvalid as valid from pg_index where indexrelid = to_regclass($1)',
    values: [name],
  })
  if (rows[0] === undefined) return null
  return rows[0].valid ? 'valid' : 'unfinished'
}

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { StartError } from '../kit/start-error.ts'
import { buildIndexes, lockMigrating } from './build-indexes.ts'
import type { Db } from './database.ts'
import { isLockMissing, retryLocks } from './partitions.ts'

const MIGRATIONS_DIR = fileURLToPath(new URL('../../migrations', import.meta.url))
const MIGRATIONS_TABLE = 'migrations'
const LOCKED =
  'The tables could not be changed, because something else keeps them locked (pg_dump, an open transaction): end it, and start again.'

/** What stands between the code and the database: names without `.sql`, in order. */
export type MigrationGap = {
  /** In the code, not yet in the database. */
  pending: string[]
  /** In the database, unknown to this code: it was migrated by a newer version. */
  newer: string[]
}

/** Compares the migrations folder with the database. Both lists empty: this code may run on it. */
export async function pendingMigrations(db: Db): Promise<MigrationGap> {
  const known = await listMigrationFiles()
  const applied = await listApplied(db)
  return {
    pending: known.filter((name) => !applied.includes(name)),
    newer: applied.filter((name) => !known.includes(name)),
  }
}

/** Throws StartError where the code does not fit the database. */
export async function assertMigrated(db: Db): Promise<void> {
  const gap = await pendingMigrations(db)
  assertNotNewer(gap)
  if (gap.pending.length > 0)
    throw new StartError(
      `The database lacks the migrations ${gap.pending.join(', ')}: run "postback-relay migrate" first.`,
    )
}

/**
 * Applies what is pending in one transaction and returns the names. Forward only. Several processes may call it at
 * once: they wait for each other on an advisory lock. Throws where the database is newer than the code, or something else
 * keeps its tables locked. No caller of a relay at work waits longer than 200 ms for a lock that this waits for.
 */
export async function migrate(
  connectionString: string,
  { lockTriesMax }: { lockTriesMax?: number } = {},
): Promise<string[]> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 10_000 })
  await client.connect()
  try {
    const gap = await pendingMigrations(client as unknown as Db)
    assertNotNewer(gap)
    if (gap.pending.length === 0) return []
    await lockMigrating(client as unknown as Db)
    const { pending } = await pendingMigrations(client as unknown as Db)
    await buildIndexes(
      client as unknown as Db,
      pending.map((name) => join(MIGRATIONS_DIR, `${name}.sql`)),
    )
    await client.query(`set lock_timeout = '200ms'`)
    return await retryLocks(() => applyPending(client), lockTriesMax)
  } catch (error) {
    if (isLockMissing(error)) throw new StartError(LOCKED)
    throw error
  } finally {
    await client.end()
  }
}

async function applyPending(client: pg.Client): Promise<string[]> {
  const { runner } = await import('node-pg-migrate')
  const ran = await runner({
    dbClient: client,
    dir: MIGRATIONS_DIR,
    migrationsTable: MIGRATIONS_TABLE,
    direction: 'up',
    singleTransaction: true,
    advisoryLockMode: 'wait',
    logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
  })
  return ran.map((migration) => migration.name)
}

/** Failures are thrown as well, with the statement that failed. */
const ignore = (): void => undefined

function assertNotNewer(gap: MigrationGap): void {
  if (gap.newer.length > 0)
    throw new StartError(
      `The database was migrated by a newer version (${gap.newer.join(', ')}): run that version, or restore a backup.`,
    )
}

async function listMigrationFiles(): Promise<string[]> {
  const files = await readdir(MIGRATIONS_DIR)
  return files
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.slice(0, -'.sql'.length))
    .sort()
}

async function listApplied(db: Db): Promise<string[]> {
  const table = await db.query<{ there: boolean }>({
    text: `select to_regclass('${MIGRATIONS_TABLE}') is not null as there`,
  })
  if (!table.rows[0]?.there) return []
  const applied = await db.query<{ name: string }>({
    text: `select name from ${MIGRATIONS_TABLE} order by id`,
  })
  return applied.rows.map((row) => row.name)
}

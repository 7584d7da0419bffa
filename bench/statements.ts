import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'

/** One statement of the relay; times in ms over all calls, planning included. */
export type StatementCost = { ms: number; calls: number; rows: number; text: string }

/** Makes the embedded Postgres count its statements from its next start on. */
export const switchOnCounting = (dataDir: string): Promise<void> =>
  withPostgres(dataDir, 'postgres', async (db) => {
    await db.query(`alter system set shared_preload_libraries = 'pg_stat_statements'`)
    await db.query('alter system set pg_stat_statements.track_planning = on')
  })

export const startCounting = (dataDir: string): Promise<void> =>
  withRelayDatabase(dataDir, async (db) => {
    await db.query('create extension if not exists pg_stat_statements')
    await db.query('select pg_stat_statements_reset()')
  })

/** The most expensive first, since startCounting. */
export const readStatements = (dataDir: string): Promise<StatementCost[]> =>
  withRelayDatabase(dataDir, async (db) => {
    const { rows } = await db.query(`select total_exec_time + total_plan_time as ms, calls::int, rows::int,
        regexp_replace(query, '\\s+', ' ', 'g') as text
      from pg_stat_statements order by 1 desc`)
    return rows
  })

/** Bytes that Postgres wrote ahead since it was made. */
export const readWalBytes = (dataDir: string): Promise<number> =>
  withPostgres(dataDir, 'postgres', async (db) => {
    const { rows } = await db.query<{ bytes: string }>(`select pg_current_wal_lsn() - '0/0' as bytes`)
    return Number(rows[0]?.bytes ?? 0)
  })

const withRelayDatabase = async <T>(dataDir: string, fn: (db: pg.Client) => Promise<T>): Promise<T> => {
  const name = await withPostgres(dataDir, 'postgres', async (db) => {
    const { rows } = await db.query<{ datname: string }>(
      `select datname from pg_database where not datistemplate and datname <> 'postgres'`,
    )
    return rows[0]?.datname ?? 'postgres'
  })
  return withPostgres(dataDir, name, fn)
}

async function withPostgres<T>(
  dataDir: string,
  database: string,
  fn: (db: pg.Client) => Promise<T>,
): Promise<T> {
  const pid = await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')
  const db = new pg.Client({
    host: '127.0.0.1',
    port: Number(pid.split('\n')[3]),
    user: 'relay',
    password: await readFile(join(dataDir, 'postgres-password'), 'utf8'),
    database,
  })
  await db.connect()
  try {
    return await fn(db)
  } finally {
    await db.end()
  }
}

import pg from 'pg'
import { pino } from 'pino'
import { inject } from 'vitest'
import { type Database, openDatabase } from '../../src/db/database.ts'

export type TestDatabase = {
  connectionString: string
  /** Ends what is still connected to it and removes it. */
  drop(): Promise<void>
}

/** A migrated, empty database of its own, with partitions for the present time. Takes about 0.1 s. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const { template } = inject('services')
  return create(`template ${template} strategy file_copy`)
}

/** A database of its own with the relay's pools on it. */
export async function openTestDatabase(): Promise<{ db: Database; close(): Promise<void> }> {
  const { connectionString, drop } = await createTestDatabase()
  const db = openDatabase({ connectionString, log: pino({ level: 'silent' }), applicationName: 'test' })
  return {
    db,
    async close() {
      await db.close()
      await drop()
    },
  }
}

/** A database without any table, for tests of the migrations themselves. */
export const createEmptyDatabase = (): Promise<TestDatabase> => create('')

async function create(options: string): Promise<TestDatabase> {
  const { postgresUrl } = inject('services')
  const name = `test_${process.pid}_${Math.random().toString(36).slice(2)}`
  await asAdmin(postgresUrl, `create database ${name} ${options}`)
  const url = new URL(postgresUrl)
  url.pathname = `/${name}`
  return {
    connectionString: url.href,
    drop: async () => {
      await asAdmin(postgresUrl, untilUnused(name))
      await asAdmin(postgresUrl, `drop database if exists ${name} with (force)`)
    },
  }
}

/** Waits up to a second: connections that a pool has just closed would else be cut off, which clients report as errors. */
const untilUnused = (name: string): string => `do $$ begin
  for tries in 1..100 loop
    exit when not exists (select from pg_stat_activity where datname = '${name}');
    perform pg_sleep(0.01), pg_stat_clear_snapshot();
  end loop;
end $$`

const OBJECT_IN_USE = '55006'
const TRIES_MAX = 50

/** Two copies of the template can not be made at the same instant, so a busy one is tried again. */
async function asAdmin(postgresUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: postgresUrl })
  await client.connect()
  try {
    for (let tries = 1; ; tries++) {
      const error = await client.query(statement).then(
        () => null,
        (reason: Error) => reason,
      )
      if (error === null) return
      if (!('code' in error) || error.code !== OBJECT_IN_USE || tries >= TRIES_MAX) throw error
      await client.query('select pg_sleep(0.05)')
    }
  } finally {
    await client.end()
  }
}

import pg from 'pg'
import { afterEach, expect, test } from 'vitest'
import type { Db, DbPool } from '../../../src/db/database.ts'
import { assertMigrated, migrate, pendingMigrations } from '../../../src/db/migrate.ts'
import { ensurePartitions } from '../../../src/db/partitions.ts'
import { eventually } from '../../support/eventually.ts'
import { createEmptyDatabase, createTestDatabase } from '../../support/postgres.ts'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function open(make: typeof createTestDatabase): Promise<{ pool: pg.Pool; connectionString: string }> {
  const database = await make()
  const pool = new pg.Pool({ connectionString: database.connectionString, max: 3 })
  cleanups.push(database.drop, () => pool.end())
  return { pool, connectionString: database.connectionString }
}

const asDb = (pool: pg.Pool): Db => pool as unknown as Db

test('four processes that migrate an empty database at once apply each migration exactly once', async () => {
  const { pool, connectionString } = await open(createEmptyDatabase)
  expect((await pendingMigrations(asDb(pool))).pending).toContain('0001_catalogue')
  const applied = await Promise.all([1, 2, 3, 4].map(() => migrate(connectionString)))
  const names = applied.flat()
  expect(new Set(names).size).toBe(names.length)
  expect(names).toContain('0002_way')
  expect(await pendingMigrations(asDb(pool))).toEqual({ pending: [], newer: [] })
})

test('a process refuses to run on a database that lacks a migration', async () => {
  const { pool } = await open(createTestDatabase)
  await expect(assertMigrated(asDb(pool))).resolves.toBeUndefined()
  await pool.query(`delete from migrations where name = '0002_way'`)
  await expect(assertMigrated(asDb(pool))).rejects.toThrow(/0002_way.*postback-relay migrate/)
})

test('a process refuses to run on, and to migrate, a database of a newer version', async () => {
  const { pool, connectionString } = await open(createTestDatabase)
  await pool.query(`insert into migrations (name, run_on) values ('9999_from_the_future', now())`)
  await expect(assertMigrated(asDb(pool))).rejects.toThrow(/9999_from_the_future/)
  await expect(migrate(connectionString)).rejects.toThrow(/newer version/)
})

test('where one migration fails none of those that were pending is applied', async () => {
  const { pool, connectionString } = await open(createEmptyDatabase)
  await pool.query('create table alerts (somebody_else int)')
  await expect(migrate(connectionString)).rejects.toThrow(/alerts/)
  const { pending } = await pendingMigrations(asDb(pool))
  expect(pending[0]).toBe('0001_catalogue')
})

test('a migration gives up a lock that it does not get, and is applied once the lock is free', async () => {
  const { pool, connectionString } = await open(createTestDatabase)
  await pool.query(`delete from migrations where name = '0011_statistics'`)
  const dump = await pool.connect()
  await dump.query('begin')
  await dump.query('lock table deliveries in share update exclusive mode')
  await expect(migrate(connectionString, { lockTriesMax: 2 })).rejects.toThrow(/keeps them locked/)
  expect((await pendingMigrations(asDb(pool))).pending).toEqual(['0011_statistics'])
  const migrated = migrate(connectionString)
  await eventually(async () => {
    const { rows } = await pool.query(`select from pg_locks where not granted`)
    expect(rows).toHaveLength(1)
  })
  await dump.query('rollback')
  dump.release()
  expect(await migrated).toEqual(['0011_statistics'])
})

test('partitions are made once, also by two processes at once, while writers hold locks on the table', async () => {
  const { pool, connectionString } = await open(createEmptyDatabase)
  await migrate(connectionString)
  const writer = await pool.connect()
  await writer.query('begin')
  await writer.query('lock table deliveries in row exclusive mode')
  const made = await Promise.all([1, 2].map(() => ensurePartitions(pool as unknown as DbPool, Date.now())))
  await writer.query('rollback')
  writer.release()
  const names = made.flat()
  expect(new Set(names).size).toBe(names.length)
  expect(names.filter((name) => name.startsWith('deliveries_'))).toHaveLength(8)
  expect(await ensurePartitions(pool as unknown as DbPool, Date.now())).toEqual([])
})

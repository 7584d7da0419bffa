import type pg from 'pg'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadConfig } from '../../../config/load.ts'
import { type Database, type DbPool, openDatabase, type Statement } from '../../../src/db/database.ts'
import { dropExpiredPartitions } from '../../../src/db/expired-partitions.ts'
import { ensurePartitions, listPartitions } from '../../../src/db/partitions.ts'
import { startRetention } from '../../../src/dispatch/start-retention.ts'
import { systemClock } from '../../../src/kit/clock.ts'
import { newUuid } from '../../../src/kit/ids.ts'
import { eventually } from '../../support/eventually.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'

const DAY_MS = 24 * 3_600_000
const nowMs = Date.now()
const laterMs = nowMs + 500 * DAY_MS
const retention = { nowMs: laterMs, retentionDays: 400, retentionBodiesDays: 30 }

let database: TestDatabase
let db: Database
beforeEach(async () => {
  database = await createTestDatabase()
  db = openDatabase({
    connectionString: database.connectionString,
    log: pino({ level: 'silent' }),
    applicationName: 'test',
  })
})
afterEach(async () => {
  await db.close()
  await database.drop()
})

const run = (text: string, values: unknown[] = []): Promise<pg.QueryResult> =>
  db.reads.query({ text, values })

test('partitions older than the retention are dropped, younger ones stay', async () => {
  const before = await listPartitions(db.reads, 'revisions')
  await ensurePartitions(db.reads, laterMs)
  const { dropped, kept } = await dropExpiredPartitions(db.reads, retention)
  expect(kept).toEqual([])
  const after = await listPartitions(db.reads, 'revisions')
  expect(dropped.filter((name) => name.startsWith('revisions'))).toEqual(
    before.filter((name) => !after.includes(name)),
  )
  expect(dropped.some((name) => name.startsWith('attempt_bodies'))).toBe(true)
  await run(`insert into inbound_raw (id, request) values ($1, '{}')`, [newUuid(laterMs)])
})

test('what has just expired is dropped while a neighbour one day younger is kept', async () => {
  const [oldest = ''] = await listPartitions(db.reads, 'clicks')
  const [, year, month] = oldest.split('_').map(Number)
  const endMs = Date.UTC(year ?? 0, month ?? 0, 1)
  const at = (ms: number) =>
    dropExpiredPartitions(db.reads, { ...retention, nowMs: ms, retentionBodiesDays: 3650 })
  expect((await at(endMs + 400 * DAY_MS - 1)).dropped).toEqual([])
  expect((await at(endMs + 400 * DAY_MS)).dropped).toContain(oldest)
})

test.each([
  ['waits', `insert into due (delivery_id, destination_id, share, due_at) values ($1, $1, 0, now())`],
  ['travels', `insert into batches (id, lease_until, deliveries) values ($1, now(), array[$1]::uuid[])`],
])('the partition of a delivery that %s stays, with its revision and attempts', async (_, insert) => {
  await run(insert, [newUuid(nowMs)])
  const { dropped, kept } = await dropExpiredPartitions(db.reads, retention)
  const month = `${new Date(nowMs).toISOString().slice(0, 7).replace('-', '_')}`
  expect(kept).toEqual(
    expect.arrayContaining([`deliveries_${month}`, `revisions_${month}`, `attempts_${month}`]),
  )
  expect(dropped).toContain(`inbound_calls_${month}`)
  expect(await listPartitions(db.reads, 'deliveries')).toContain(`deliveries_${month}`)
})

test('the ids of dropped clicks go with them, those of kept clicks stay, over several steps', async () => {
  await ensurePartitions(db.reads, laterMs)
  for (const [prefix, ms, count] of [
    ['old', nowMs, 2500],
    ['young', laterMs, 3],
  ] as const)
    await run(
      `with ids as (select * from unnest($1::uuid[]) with ordinality u(id, n)),
        c as (insert into clicks (id, click_id, affiliate_id, offer_id, clicked_at) select id, $2 || n, id, id, now() from ids)
        insert into click_keys (click_id, id) select $2 || n, id from ids`,
      [Array.from({ length: count }, () => newUuid(ms)), prefix],
    )
  await dropExpiredPartitions(db.reads, retention)
  const left = await run('select click_id from click_keys order by 1')
  expect(left.rows.map((row) => row.click_id)).toEqual(['young1', 'young2', 'young3'])
})

test('a drop that was cut off after its detach began is finished by the next one', async () => {
  const [oldest = ''] = await listPartitions(db.reads, 'inbound_calls')
  const reader = await db.reads.connect()
  await reader.query('begin isolation level repeatable read')
  await reader.query('select count(*) from inbound_calls')
  const other = await db.results.connect()
  await other.query(`set statement_timeout = '300ms'`)
  await expect(
    other.query(`alter table inbound_calls detach partition ${oldest} concurrently`),
  ).rejects.toThrow()
  other.release(true)
  await reader.query('rollback')
  reader.release()
  const pending = await run('select from pg_inherits where inhdetachpending')
  expect(pending.rowCount).toBe(1)
  const { dropped } = await dropExpiredPartitions(db.reads, retention)
  expect(dropped).toContain(oldest)
})

test('a drop that was cut off after its detach is finished by the next one', async () => {
  const [oldest = ''] = await listPartitions(db.reads, 'inbound_raw')
  await run(`alter table inbound_raw detach partition ${oldest}`)
  await dropExpiredPartitions(db.reads, retention)
  expect((await run('select to_regclass($1) as left_over', [oldest])).rows).toEqual([{ left_over: null }])
})

test('a delivery that is replayed while older tables are dropped keeps its partition', async () => {
  const id = newUuid(nowMs)
  let isReplayed = false
  const query = async (statement: Statement): Promise<unknown> => {
    if (!isReplayed && statement.text.includes('click_keys')) {
      isReplayed = true
      await db.intake.query({
        text: 'insert into due (delivery_id, destination_id, share, due_at) values ($1, $1, 2, now())',
        values: [id],
      })
    }
    return db.reads.query(statement)
  }
  const pool = { query, connect: () => db.reads.connect() } as unknown as DbPool
  const { kept } = await dropExpiredPartitions(pool, retention)
  const month = new Date(nowMs).toISOString().slice(0, 7).replace('-', '_')
  expect(kept).toContain(`deliveries_${month}`)
})

test('a clock that is two years ahead drops nothing of the present', async () => {
  const clock = { ...systemClock, nowMs: () => Date.now() + 730 * DAY_MS }
  const lines: string[] = []
  const log = pino({ level: 'error' }, { write: (line: string) => void lines.push(line) })
  const before = await listPartitions(db.reads, 'deliveries')
  const running = startRetention({ config: loadConfig({ LOG_LEVEL: 'silent' }), db, clock, log })
  await eventually(() => expect(lines).toEqual([expect.stringContaining('differs')]))
  await running.close()
  expect(await listPartitions(db.reads, 'deliveries')).toEqual(expect.arrayContaining(before))
})

test('a new partition counts the columns that its parent counts', async () => {
  const uncounted = async (table: string): Promise<unknown[]> => {
    const { rows } = await run(
      'select attname from pg_attribute where attrelid = $1::regclass and attstattarget = 0 order by 1',
      [table],
    )
    return rows
  }
  const made = await ensurePartitions(db.reads, laterMs)
  for (const table of ['deliveries', 'attempt_bodies', 'inbound_raw']) {
    const partition = made.find((name) => name.startsWith(`${table}_2`)) ?? ''
    expect(await uncounted(partition)).toEqual(await uncounted(table))
    expect(await uncounted(partition)).not.toEqual([])
  }
})

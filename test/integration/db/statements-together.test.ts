import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Database, sqlState, withTx } from '../../../src/db/database.ts'
import { openTestDatabase } from '../../support/postgres.ts'

let database: Awaited<ReturnType<typeof openTestDatabase>>
let db: Database

beforeAll(async () => {
  database = await openTestDatabase()
  db = database.db
  await db.reads.query({ text: 'create table noted (n int primary key check (n > 0))' })
})

afterAll(() => database.close())

const note = (n: number) => ({ text: 'insert into noted (n) values ($1)', values: [n] })
const noted = async (): Promise<number[]> => {
  const { rows } = await db.reads.query<{ n: number }>({ text: 'select n from noted order by n' })
  return rows.map((row) => row.n)
}

test('what goes with the commit is committed with what came before it', async () => {
  await withTx(db.results, async (tx) => {
    await tx.query(note(1))
    tx.withCommit(tx.query(note(2)))
  })
  expect(await noted()).toEqual([1, 2])
})

test('where the last write is refused nothing is committed, and its own reason is thrown', async () => {
  const refused = withTx(db.results, async (tx) => {
    await tx.query(note(3))
    tx.withCommit(tx.query(note(-1)))
    // Fails only because of it (25P02).
    await tx.query(note(4))
  })
  expect(sqlState(await refused.catch((error: unknown) => error))).toBe('23514')
  expect(await noted()).toEqual([1, 2])
})

test('a transaction that can not begin does nothing', async () => {
  const refused = withTx(
    db.results,
    async (tx) => {
      await tx.query({ text: 'select 1' })
      await tx.query(note(5))
    },
    'begin no such thing',
  )
  expect(sqlState(await refused.catch((error: unknown) => error))).toBe('42601')
  expect(await noted()).toEqual([1, 2])
})

test('a connection that dies with write and commit on their way says so, and the pool goes on', async () => {
  const cut = withTx(db.results, async (tx) => {
    tx.withCommit(tx.query({ text: 'select pg_terminate_backend(pg_backend_pid())' }))
    tx.withCommit(tx.query(note(6)))
  })
  await expect(cut).rejects.toThrow()
  await withTx(db.results, (tx) => tx.query(note(7)))
  expect(await noted()).toEqual([1, 2, 7])
})

test('a statement of the hot path is planned once, however few its rows are', async () => {
  await withTx(db.intake, async (tx) => {
    for (let n = 0; n < 12; n++)
      await tx.query({
        name: 'find_noted',
        text: 'select t.n from unnest($1::int[]) i(n) join noted t on t.n = i.n',
        values: [[n]],
      })
    const { rows } = await tx.query({
      text: `select generic_plans::int, custom_plans::int from pg_prepared_statements where name = 'find_noted'`,
    })
    expect(rows).toEqual([{ generic_plans: 12, custom_plans: 0 }])
  })
})

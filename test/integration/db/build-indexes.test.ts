import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildIndexes } from '../../../src/db/build-indexes.ts'
import type { Db } from '../../../src/db/database.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'

const MIGRATION = `create index if not exists deliveries_probe on deliveries (status, id) where status = 'approved';
create index if not exists conversions_probe on conversions (status);
create index if not exists later_probe on table_of_a_later_statement (id);
`

let database: TestDatabase
let folder: string
let file: string
let client: pg.Client
const db = (): Db => client as unknown as Db

beforeAll(async () => {
  database = await createTestDatabase()
  folder = await mkdtemp(join(tmpdir(), 'relay-indexes-'))
  file = join(folder, '0999_probe.sql')
  await writeFile(file, MIGRATION)
  client = new pg.Client({ connectionString: database.connectionString })
  await client.connect()
})

afterAll(async () => {
  await client.end()
  await rm(folder, { recursive: true, force: true })
  await database.drop()
})

const listProbes = async (): Promise<{ name: string; valid: boolean; attached: boolean }[]> =>
  (
    await client.query(`select c.relname as name, i.indisvalid as valid, c.relispartition as attached
      from pg_index i join pg_class c on c.oid = i.indexrelid where c.relname like '%probe' order by 1`)
  ).rows

test('an index is built on each partition, and the migration only attaches it', async () => {
  await buildIndexes(db(), [file])
  const built = await listProbes()
  expect(built.filter(({ name }) => name.startsWith('deliveries_')).length).toBeGreaterThan(4)
  expect(built.every(({ valid, attached }) => valid && !attached)).toBe(true)

  await client.query(MIGRATION.split('\n').slice(0, 2).join('\n'))
  const after = await listProbes()
  expect(after.map(({ name }) => name)).toEqual(
    [...built.map(({ name }) => name), 'deliveries_probe'].toSorted(),
  )
  expect(after.filter(({ attached }) => attached)).toHaveLength(built.length - 1)
})

test('what an interrupted build left behind is built anew', async () => {
  await client.query('drop index if exists conversions_probe')
  await client.query('create index conversions_probe on conversions (status)')
  await client.query(
    `update pg_index set indisvalid = false where indexrelid = 'conversions_probe'::regclass`,
  )
  await buildIndexes(db(), [file])
  expect((await listProbes()).find(({ name }) => name === 'conversions_probe')).toMatchObject({ valid: true })
})

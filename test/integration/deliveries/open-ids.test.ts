import { afterAll, beforeAll, expect, test } from 'vitest'
import { noteReads } from '../../../bench/list-cases.ts'
import type { Database, Statement } from '../../../src/db/database.ts'
import { findOpenIds } from '../../../src/deliveries/open-ids-store.ts'
import { openTestDatabase } from '../../support/postgres.ts'

let database: Awaited<ReturnType<typeof openTestDatabase>>
let db: Database

beforeAll(async () => {
  database = await openTestDatabase()
  db = database.db
  await db.reads.query({
    text: `insert into due (delivery_id, destination_id, share, due_at)
      select gen_random_uuid(), case when n <= 100000 then '00000000-0000-7000-8000-000000000001'::uuid
        else gen_random_uuid() end, 1, now() from generate_series(1, 100040) n`,
  })
  // What statistics say where the sample holds no row of the others.
  await db.reads.query({ text: 'alter table due alter column destination_id set (n_distinct = 1)' })
  await db.reads.query({ text: 'analyze due' })
})

afterAll(() => database.close())

type Plan = { 'Node Type': string; 'Relation Name'?: string; Plans?: Plan[] }
const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)]

test('what waits for other destinations is found by the index, although statistics know only one', async () => {
  const heard: Statement[] = []
  await findOpenIds(noteReads(db, (statement) => heard.push(statement)).reads, null)
  const [{ text, values } = { text: '' }] = heard
  const { rows } = await db.reads.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>({
    text: `explain (format json) ${text}`,
    values: values ?? [],
  })
  const scans = nodesOf(rows[0]?.['QUERY PLAN'][0].Plan ?? { 'Node Type': 'none' })
    .filter((node) => node['Relation Name'] === 'due')
    .map((node) => node['Node Type'])
  expect(scans.length).toBeGreaterThan(1)
  expect(scans.filter((scan) => !scan.startsWith('Index'))).toEqual([])
})

import pg from 'pg'
import pino from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ListCase, listCases, noteReads } from '../../../bench/list-cases.ts'
import { catalogueStatements, chunkStatements, conversionsOf, FUNCTIONS } from '../../../bench/seed-rows.ts'
import { createCatalogue } from '../../../src/catalogue/create-catalogue.ts'
import { ClickQuery } from '../../../src/clicks/schema.ts'
import { openDatabase, type Statement } from '../../../src/db/database.ts'
import { ConversionQuery } from '../../../src/deliveries/conversion-schema.ts'
import { findDeliveries } from '../../../src/deliveries/find-deliveries.ts'
import { DeliveryQuery } from '../../../src/deliveries/schema.ts'
import { findInboundCalls } from '../../../src/intake/find-inbound-calls.ts'
import { InboundQuery } from '../../../src/intake/inbound-schema.ts'
import { systemClock } from '../../../src/kit/clock.ts'
import { createTestDatabase } from '../../support/postgres.ts'

const DAY_MS = 86_400_000
const SIZE = { deliveries: 20_000, destinations: 100 }
/** Without its index a list walks its table from the newest row on: to the end for a value that no row has. */
const SHARE_READ_MAX = 0.5
/** Plans are made as for a larger log: on a small one any index that can be walked is as cheap as the right one. */
const ROWS_MADE_BELIEVE = 30
const AUTOVACUUM_OFF = `do $$ declare relation regclass; begin
  for relation in select oid from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace loop
    execute format('alter table %s set (autovacuum_enabled = false)', relation);
  end loop; end $$`
const LOG_TABLES = ['deliveries', 'conversions', 'inbound_calls', 'clicks', 'attempts']
const PARTITION = new RegExp(`^(${LOG_TABLES.join('|')}|due)(_\\d{4}_\\d{2})?$`)

let world: Awaited<ReturnType<typeof startWorld>>
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.close())

async function startWorld() {
  const database = await createTestDatabase()
  const client = new pg.Client({ connectionString: database.connectionString })
  await client.connect()
  const rowsIn = await seed(client)
  await client.query('set enable_seqscan = off')
  const log = pino({ level: 'silent' })
  const db = openDatabase({ connectionString: database.connectionString, log, applicationName: 'test' })
  const catalogue = await createCatalogue({ db, log, clock: systemClock })
  const heard: Statement[] = []
  const ctx = { db: noteReads(db, (statement) => heard.push(statement)), catalogue }
  const cases = await listCases(ctx)
  return {
    cases,
    rowsIn,
    ctx,
    /** The click id of a quarter of all conversions, the oldest, and statistics that say so. */
    async repeatClickId(clickId: string): Promise<void> {
      await client.query({
        text: `update conversions set click_id = $1 where id in (select id from conversions order by id limit $2)`,
        values: [clickId, Math.floor((rowsIn.get('conversions') ?? 0) / 4)],
      })
      await client.query('analyze conversions')
    },
    async plansOf(one: ListCase): Promise<Plan[]> {
      heard.length = 0
      await one.run()
      const plans: Plan[] = []
      for (const statement of heard) plans.push(await explain(client, statement))
      return plans
    },
    async close() {
      catalogue.close()
      await db.close()
      await client.end()
      await database.drop()
    },
  }
}

async function seed(client: pg.Client): Promise<Map<string, number>> {
  const nowMs = Date.now()
  const size = { ...SIZE, fromMs: nowMs - 45 * DAY_MS, nowMs }
  for (const text of [...FUNCTIONS, ...catalogueStatements(size)]) await client.query(text)
  for (const text of chunkStatements(size, 0, conversionsOf(size))) await client.query(text)
  // It would count the rows anew in the middle.
  await client.query(AUTOVACUUM_OFF)
  await client.query('analyze')
  await client.query({
    text: `update pg_class set reltuples = reltuples * $1
      where relnamespace = 'public'::regnamespace and reltuples > 0`,
    values: [ROWS_MADE_BELIEVE],
  })
  const counts = LOG_TABLES.map((table) => `select '${table}' as table, count(*)::int as rows from ${table}`)
  const { rows } = await client.query(counts.join(' union all '))
  return new Map(rows.map((row) => [row.table, row.rows]))
}

type Plan = {
  'Node Type': string
  'Relation Name'?: string
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  'Rows Removed by Index Recheck'?: number
  Plans?: Plan[]
}

async function explain(client: pg.Client, { text, values = [] }: Statement): Promise<Plan> {
  const { rows } = await client.query(`explain (analyze, format json) ${text}`, values)
  return rows[0]['QUERY PLAN'][0].Plan
}

const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)]

const rowsRead = (node: Plan): number =>
  node['Actual Loops'] *
  (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0))

/** What shows that a list has no index for its filter. A scan that is switched off stays where nothing else could be used. */
async function walksOf(one: ListCase): Promise<string[]> {
  const scans = (await world.plansOf(one)).flatMap(nodesOf)
  const read = new Map<string, number>()
  const walks: string[] = []
  for (const scan of scans) {
    const [relation, table] = PARTITION.exec(scan['Relation Name'] ?? '') ?? []
    if (relation === undefined || table === undefined) continue
    if (scan['Node Type'] === 'Seq Scan') walks.push(`${one.name}: scans ${relation}`)
    read.set(table, (read.get(table) ?? 0) + rowsRead(scan))
  }
  for (const [table, rows] of read) {
    const all = world.rowsIn.get(table) ?? Number.POSITIVE_INFINITY
    if (rows > all * SHARE_READ_MAX) walks.push(`${one.name}: reads ${Math.round(rows)} of ${all} ${table}`)
  }
  return walks
}

test.each(['deliveries', 'conversions', 'inbound-calls', 'clicks', 'trace'])(
  'each filter of %s finds its rows by an index',
  async (list) => {
    const cases = world.cases.filter((one) => one.list === list)
    expect(cases.length).toBeGreaterThan(0)
    const walks: string[] = []
    for (const one of cases) walks.push(...(await walksOf(one)))
    expect(walks).toEqual([])
  },
)

test.each([
  ['deliveries', DeliveryQuery],
  ['conversions', ConversionQuery],
  ['inbound-calls', InboundQuery],
  ['clicks', ClickQuery],
])('each filter that %s takes is among those whose plan is looked at', (list, { properties }) => {
  const tried = world.cases.filter((one) => one.list === list).flatMap((one) => Object.keys(one.filter))
  const filters = Object.keys(properties).filter((name) => name !== 'limit' && name !== 'cursor')
  expect(filters.filter((name) => !tried.includes(name))).toEqual([])
})

test('deliveries of a click id that many old conversions have are found by these, not on a walk from the newest', async () => {
  await world.repeatClickId('test')
  const filter = { click_id: 'test' }
  const run = (): Promise<unknown> => findDeliveries(world.ctx, filter)
  expect(await walksOf({ list: 'deliveries', name: 'click_id=test', filter, run })).toEqual([])
})

test('calls found by the beginning of a click id that many old conversions have are not met on a walk from the newest', async () => {
  await world.repeatClickId('test')
  const filter = { q: 'test' }
  const run = (): Promise<unknown> => findInboundCalls(world.ctx, filter)
  const walks = await walksOf({ list: 'inbound-calls', name: 'q=test', filter, run })
  expect(walks.filter((walk) => walk.endsWith('inbound_calls'))).toEqual([])
})

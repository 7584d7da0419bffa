// Times every list with each of its filters on a seeded database, and with --write keeps the plans in docs/queries.md.
// Run: node bench/lists.ts <folder of bench/seed.ts> [--write] [--as-is] [--only <part of a name>]
import { writeFileSync } from 'node:fs'
import pino from 'pino'
import { loadConfig } from '../config/load.ts'
import { createCatalogue } from '../src/catalogue/create-catalogue.ts'
import { listClicks } from '../src/clicks/store.ts'
import { type Database, openDatabase, type Statement } from '../src/db/database.ts'
import { startEmbeddedPostgres } from '../src/db/embedded-postgres.ts'
import { prepareDatabase } from '../src/db/prepare-database.ts'
import { findConversions } from '../src/deliveries/find-conversions.ts'
import { findDeliveries } from '../src/deliveries/find-deliveries.ts'
import type { DeliveryQuery } from '../src/deliveries/schema.ts'
import { traceId } from '../src/deliveries/trace-id.ts'
import { listCalls } from '../src/intake/list-inbound-calls.ts'
import { systemClock } from '../src/kit/clock.ts'
import { encodeId } from '../src/kit/ids.ts'
import { readLedger } from '../src/reports/read-ledger.ts'
import { toPlanLines } from './plan-lines.ts'

const ROUNDS = 20
const ROUNDS_OF_SLOW = 3
const SLOW_MS = 500

type Case = { name: string; run(): Promise<unknown> }
type Sample = {
  click_id: string
  affiliate_click_id: string
  transaction_id: string
  conversion_id: string
  delivery_id: string
}
type Measured = { name: string; p50: number; max: number; rows: number | string; statements: Statement[] }

const [dataDir] = process.argv.slice(2)
if (dataDir === undefined) throw new Error('say in which folder')
const only = process.argv.includes('--only') ? (process.argv[process.argv.indexOf('--only') + 1] ?? '') : ''
const log = pino({ level: 'silent' })
const postgres = await startEmbeddedPostgres({ dataDir, log })
if (!process.argv.includes('--as-is'))
  await prepareDatabase(postgres.connectionString, { mayMigrate: true, log })
const db = openDatabase({ connectionString: postgres.connectionString, log, applicationName: 'bench' })
const catalogue = await createCatalogue({ db, log, clock: systemClock })
let heard: Statement[] = []
const ctx = {
  db: {
    ...db,
    reads: {
      connect: () => db.reads.connect(),
      query: (statement: Statement) => {
        heard.push(statement)
        return db.reads.query(statement)
      },
    },
  } as unknown as Database,
  catalogue,
  clock: systemClock,
  config: loadConfig({ LOG_LEVEL: 'silent' }),
}

const measured: Measured[] = []
try {
  for (const one of await makeCases()) if (one.name.includes(only)) measured.push(await measure(one))
  console.table(
    Object.fromEntries(
      measured.map(({ name, p50, max, rows }) => [name, { 'p50 ms': p50, 'max ms': max, rows }]),
    ),
  )
  if (process.argv.includes('--write')) await write()
} finally {
  catalogue.close()
  await db.close()
  await postgres.stop(10_000)
}

async function makeCases(): Promise<Case[]> {
  const sample = await one<Sample>(
    `select c.click_id, c.affiliate_click_id, c.transaction_id, c.id as conversion_id, d.id as delivery_id
      from conversions c join deliveries d on d.conversion_id = c.id
      where c.id > (select id from conversions order by id desc offset 1000 limit 1) limit 1`,
  )
  const { id: idleCall } = await one<{ id: string }>('select id from inbound_calls order by id limit 1')
  const cnv = encodeId('conversion', sample.conversion_id)
  const dlv = encodeId('delivery', sample.delivery_id)
  const dead = catalogue.resolve('destination', 'dst-0') ?? ''
  const longAgo = { from: isoDaysAgo(200), to: isoDaysAgo(199) }
  const deliveryQueries: DeliveryQuery[] = [
    {},
    ...['scheduled', 'held', 'delivered', 'refused', 'failed', 'skipped', 'superseded', 'cancelled'].map(
      (state) => ({ state }),
    ),
    { state: 'refused,failed' },
    { state: 'scheduled,cancelled' },
    { state: 'held,failed' },
    ...['breaker_open', 'delay', 'offer_not_selected', 'destination_archived', 'never_heard_of'].map(
      (reason) => ({
        reason,
      }),
    ),
    ...['dst-0', 'dst-1', 'dst-5000', 'dst-9998', 'dst-9999'].map((id) => ({ destination_id: id })),
    ...['aff-0', 'aff-1', 'aff-2500', 'aff-4999'].map((id) => ({ affiliate_id: id })),
    ...['ofr-0', 'ofr-200'].map((id) => ({ offer_id: id })),
    ...['adv-0', 'adv-20'].map((id) => ({ advertiser_id: id })),
    { click_id: sample.click_id },
    { click_id: 'none' },
    { affiliate_click_id: sample.affiliate_click_id },
    { transaction_id: sample.transaction_id },
    { conversion_id: cnv },
    ...[200, 204, 404, 451, 500].map((http_status) => ({ http_status })),
    ...['connect_timeout', 'tls_failed', 'none'].map((error) => ({ error })),
    longAgo,
    ...[dlv, dlv.slice(0, 20), cnv, cnv.slice(0, 20), encodeId('destination', dead)].map((q) => ({ q })),
    ...['order-', 'order-00', sample.click_id.slice(0, 2), sample.click_id.slice(0, 6), 'zzz'].map((q) => ({
      q,
    })),
    { state: 'failed', destination_id: 'dst-0' },
    { state: 'delivered', destination_id: 'dst-0' },
    { state: 'scheduled', destination_id: 'dst-0' },
    { state: 'held', destination_id: 'dst-0' },
    { state: 'cancelled', destination_id: 'dst-1' },
    { state: 'failed', affiliate_id: 'aff-0' },
    { state: 'refused', offer_id: 'ofr-7' },
    { state: 'cancelled', advertiser_id: 'adv-3' },
    { state: 'failed', ...longAgo },
    { state: 'held', ...longAgo },
    { destination_id: 'dst-1', ...longAgo },
    { destination_id: 'dst-0', http_status: 500 },
    { destination_id: 'dst-0', error: 'connect_timeout' },
    { destination_id: 'dst-1', q: 'order-' },
    { offer_id: 'ofr-7', http_status: 451 },
    { destination_id: 'dst-1', reason: 'offer_not_selected' },
  ]
  const page = { limit: 50, before: null, from: null, to: null }
  const none = { clickId: null, affiliateClickId: null, affiliateId: null, offerId: null }
  const clickCases = [
    {},
    { clickId: 'none' },
    { affiliateClickId: sample.affiliate_click_id },
    { affiliateId: catalogue.resolve('affiliate', 'aff-4999') },
    { affiliateId: catalogue.resolve('affiliate', 'aff-1') },
    { offerId: catalogue.resolve('offer', 'ofr-200') },
  ]
  return [
    ...deliveryQueries.map((query) => ({
      name: `deliveries ${show(query)}`,
      run: () => findDeliveries(ctx, query),
    })),
    ...[
      {},
      ...['adv-0', 'adv-20'].map((advertiser_id) => ({ advertiser_id })),
      ...['aff-1', 'aff-4999'].map((affiliate_id) => ({ affiliate_id })),
      ...['ofr-0', 'ofr-200'].map((offer_id) => ({ offer_id })),
      ...(['pending', 'approved', 'rejected'] as const).map((status) => ({ status })),
      { click_id: sample.click_id },
      { transaction_id: sample.transaction_id },
      ...['order-', 'order-00', 'zzz', cnv].map((q) => ({ q })),
      { status: 'rejected' as const, affiliate_id: 'aff-1' },
      longAgo,
    ].map((query) => ({ name: `conversions ${show(query)}`, run: () => findConversions(ctx, query) })),
    ...[
      {},
      ...(['accepted', 'duplicate', 'parked', 'quarantined'] as const).map((result) => ({ result })),
      ...['adv-0', 'adv-20'].map((advertiser_id) => ({ advertiser_id })),
      { result: 'duplicate' as const, advertiser_id: 'adv-3' },
      { result: 'parked' as const, advertiser_id: 'adv-3' },
      ...['unknown_status', 'bad_signature', 'none'].map((code) => ({ code })),
      ...[sample.click_id, 'order-', 'q-order-0', encodeId('inboundCall', idleCall), cnv].map((q) => ({ q })),
      longAgo,
    ].map((query) => ({ name: `inbound-calls ${show(query)}`, run: () => listCalls(ctx, query) })),
    ...clickCases.map((filter) => ({
      name: `clicks ${show(filter)}`,
      run: () => listClicks(ctx.db.reads, { ...page, ...none, ...filter }),
    })),
    ...[sample.click_id, sample.transaction_id, dlv, cnv, encodeId('destination', dead), 'none'].map(
      (id) => ({ name: `trace ${id}`, run: () => traceId(ctx, id) }),
    ),
    ...['aff-1', 'adv-20'].map((name) => {
      const noun = name.startsWith('aff') ? ('affiliate' as const) : ('advertiser' as const)
      return {
        name: `trace ${name}`,
        run: () => traceId(ctx, encodeId(noun, catalogue.resolve(noun, name) ?? '')),
      }
    }),
    { name: 'ledger, last 24 h', run: () => readLedger(ctx, { from: null, to: null, explain: false }) },
  ]
}

async function one<Row extends Record<string, unknown>>(text: string): Promise<Row> {
  const { rows } = await db.reads.query<Row>({ text })
  if (rows[0] === undefined) throw new Error('the database is empty')
  return rows[0]
}

function show(query: object): string {
  const words = Object.entries(query).map(([name, value]) => `${name}=${value}`)
  return words.length === 0 ? 'without a filter' : words.join(' ')
}

function isoDaysAgo(days: number): string {
  return new Date(Date.now() - days * 86_400_000).toISOString()
}

async function measure({ name, run }: Case): Promise<Measured> {
  const times: number[] = []
  let rows: number | string = ''
  heard = []
  while (times.length < ((times[0] ?? 0) > SLOW_MS ? ROUNDS_OF_SLOW : ROUNDS)) {
    heard = []
    const startedMs = performance.now()
    try {
      rows = countRows(await run())
    } catch (error) {
      rows = error instanceof Error ? error.message : 'failed'
    }
    times.push(performance.now() - startedMs)
  }
  const sorted = times.toSorted((a, b) => a - b)
  const round = (ms = 0): number => Math.round(ms * 10) / 10
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${name}` : '')
  return {
    name,
    p50: round(sorted[Math.floor(sorted.length / 2)]),
    max: round(sorted.at(-1)),
    rows,
    statements: heard,
  }
}

function countRows(answer: unknown): number | string {
  if (Array.isArray(answer)) return answer.length
  const { data, deliveries } = answer as { data?: unknown[]; deliveries?: unknown }
  return data?.length ?? (Array.isArray(deliveries) ? deliveries.length : JSON.stringify(deliveries))
}

async function write(): Promise<void> {
  const sections: string[] = []
  for (const { name, p50, max, rows, statements } of measured) {
    const plans: string[] = []
    for (const { text, values } of statements) {
      const { rows: lines } = await db.reads.query<{ 'QUERY PLAN': string }>({
        text: `explain (analyze, buffers, costs off, timing off, summary on) ${text}`,
        values: values ?? [],
      })
      plans.push(toPlanLines(lines.map((line) => line['QUERY PLAN'])))
    }
    const body = plans.length === 0 ? '' : `\n\n\`\`\`\n${plans.join('\n\n')}\n\`\`\``
    sections.push(`### ${name}\n\n${rows} rows; p50 ${p50} ms, max ${max} ms${body}`)
  }
  const size = await one<{ deliveries: string; held: string; destinations: string }>(
    `select (select count(*) from deliveries) as deliveries, (select count(*) from due) as held,
      (select count(*) from destinations) as destinations`,
  )
  const head = `# Queries of the lists

Written by \`bench/lists.ts --write\`, not by hand: each list with each filter on a database of \`bench/seed.ts\` with
${size.deliveries} deliveries, ${size.destinations} destinations and ${size.held} waiting rows, under the settings of the embedded
PostgreSQL (256 MB of shared buffers). p50 and max are of the whole use case as the route calls it, over up to ${ROUNDS} rounds;
plans are \`explain (analyze, buffers)\`, with parts that were never executed left out.
`
  writeFileSync(new URL('../docs/queries.md', import.meta.url), `${head}\n${sections.join('\n\n')}\n`)
}

// Times every list with each of its filters on a seeded database, and with --write keeps the plans in docs/queries.md.
// Run: node bench/lists.ts <folder of bench/seed.ts> [--write] [--as-is] [--only <part of a name>]
import { writeFileSync } from 'node:fs'
import pino from 'pino'
import { createCatalogue } from '../src/catalogue/create-catalogue.ts'
import { openDatabase, type Statement } from '../src/db/database.ts'
import { startEmbeddedPostgres } from '../src/db/embedded-postgres.ts'
import { prepareDatabase } from '../src/db/prepare-database.ts'
import { systemClock } from '../src/kit/clock.ts'
import { readLedger } from '../src/reports/read-ledger.ts'
import { listCases, noteReads } from './list-cases.ts'
import { toPlanLines } from './plan-lines.ts'

const ROUNDS = 20
const ROUNDS_OF_SLOW = 3
const SLOW_MS = 500

type Case = { name: string; run(): Promise<unknown> }
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
const ctx = { db: noteReads(db, (statement) => heard.push(statement)), catalogue, clock: systemClock }
const ledger: Case = {
  name: 'ledger, last 24 h',
  run: () => readLedger(ctx, { from: null, to: null, explain: false }),
}

const measured: Measured[] = []
try {
  for (const one of [...(await listCases(ctx)), ledger])
    if (one.name.includes(only)) measured.push(await measure(one))
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

async function one<Row extends Record<string, unknown>>(text: string): Promise<Row> {
  const { rows } = await db.reads.query<Row>({ text })
  if (rows[0] === undefined) throw new Error('the database is empty')
  return rows[0]
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

// Fills a database of its own with a log of millions of deliveries. Run: node bench/seed.ts <folder> [deliveries] [destinations]
import { mkdir } from 'node:fs/promises'
import pg from 'pg'
import pino from 'pino'
import { startEmbeddedPostgres } from '../src/db/embedded-postgres.ts'
import { PARTITIONED_TABLES, spanAt } from '../src/db/partition-plan.ts'
import { prepareDatabase } from '../src/db/prepare-database.ts'
import { lowestUuid } from '../src/kit/ids.ts'
import { catalogueStatements, chunkStatements, conversionsOf, FUNCTIONS, type SeedSize } from './seed-rows.ts'

const DAYS = 330
const CHUNK = 100_000
const CONNECTIONS = 3
/** Nothing here has to survive a crash; the bench starts the server again with the settings that users have. */
const FAST = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  autovacuum: 'off',
  max_wal_size: '16GB',
  shared_buffers: '2GB',
  maintenance_work_mem: '1GB',
  work_mem: '256MB',
}

const [dataDir, deliveries = '5000000', destinations = '10000'] = process.argv.slice(2)
if (dataDir === undefined) throw new Error('say in which folder')
const nowMs = Date.now()
const size: SeedSize = {
  deliveries: Number(deliveries),
  destinations: Number(destinations),
  fromMs: nowMs - DAYS * 86_400_000,
  nowMs,
}

const log = pino({ level: 'warn' })
const startedMs = performance.now()
const say = (text: string): void => {
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(0).padStart(4)
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${seconds} s  ${text}` : `${seconds} s  ${text}\n`)
}

await mkdir(dataDir, { recursive: true })
const postgres = await startEmbeddedPostgres({ dataDir, log, settings: FAST })
try {
  await prepareDatabase(postgres.connectionString, { mayMigrate: true, log })
  await seed()
} finally {
  await postgres.stop(60_000)
}
process.stderr.write('\n')

async function seed(): Promise<void> {
  const client = new pg.Client({ connectionString: postgres.connectionString })
  await client.connect()
  const found = await client.query('select exists (select from conversions) as filled')
  if (found.rows[0].filled) throw new Error('this folder has a filled database already')
  await makePartitions(client)
  for (const text of [...FUNCTIONS, ...catalogueStatements(size)]) await client.query(text)
  const indexes = await dropIndexes(client)
  await fillChunks()
  for (const [index, text] of indexes.entries()) {
    say(`index ${index + 1} of ${indexes.length}`)
    await client.query(text)
  }
  say('vacuum analyze')
  await client.query('vacuum analyze')
  await client.query('checkpoint')
  const { rows } = await client.query(
    `select pg_size_pretty(pg_database_size(current_database())) as size, (select count(*) from deliveries) as deliveries,
      (select count(*) from due) as due, (select count(*) from conversions) as conversions`,
  )
  await client.end()
  say(JSON.stringify(rows[0]))
}

async function makePartitions(client: pg.Client): Promise<void> {
  for (const table of PARTITIONED_TABLES) {
    for (let span = spanAt(table, size.fromMs); span.fromMs < nowMs; span = spanAt(table, span.toMs)) {
      const there = await client.query('select to_regclass($1) is not null as there', [span.name])
      if (there.rows[0].there) continue
      await client.query(
        `create table ${span.name} partition of ${table.table} for values from ('${lowestUuid(span.fromMs)}') to ('${lowestUuid(span.toMs)}')`,
      )
    }
  }
}

/** Secondary indexes of the filled tables are made anew at the end, which takes a third of the time. */
async function dropIndexes(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string; text: string }>(
    `select c.relname as name, pg_get_indexdef(i.indexrelid) as text from pg_index i
      join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
      where not i.indisunique and not c.relispartition and t.relnamespace = 'public'::regnamespace and t.relname = any($1)`,
    [[...PARTITIONED_TABLES.map(({ table }) => table), 'conversions', 'conversion_keys', 'due']],
  )
  for (const { name } of rows) await client.query(`drop index ${name}`)
  // pg_get_indexdef says "ON ONLY" of a partitioned table, which would leave the partitions without.
  return rows.map(({ text }) => text.replace(' ON ONLY ', ' ON '))
}

async function fillChunks(): Promise<void> {
  const total = conversionsOf(size)
  let next = 0
  let done = 0
  const work = async (): Promise<void> => {
    const client = new pg.Client({ connectionString: postgres.connectionString })
    await client.connect()
    while (next < total) {
      const first = next
      next = Math.min(total, first + CHUNK)
      const last = next
      for (const text of chunkStatements(size, first, last)) await client.query(text)
      done += last - first
      say(`${done} of ${total} conversions`)
    }
    await client.end()
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, work))
}

// What it costs that a job carries only its batch's id: the claim that loads 100 rows, beside a claim of the batch alone
// and the JSON that the job would else carry. Run: node bench/claim.ts (the packaged Node).
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { openDatabase } from '../src/db/database.ts'
import { startEmbeddedPostgres } from '../src/db/embedded-postgres.ts'
import { prepareDatabase } from '../src/db/prepare-database.ts'
import { claimBatch } from '../src/dispatch/claim-store.ts'
import { newUuid } from '../src/kit/ids.ts'

const BATCHES = 200
const ROWS = 100

const log = pino({ level: 'silent' })
const dataDir = await mkdtemp(join(tmpdir(), 'relay-claim-'))
const postgres = await startEmbeddedPostgres({ dataDir, log })
await prepareDatabase(postgres.connectionString, { mayMigrate: true, log })
const db = openDatabase({ connectionString: postgres.connectionString, log, applicationName: 'bench' })

const workerId = newUuid(Date.now())
const perRowUs = (ms: number): string => ((ms * 1000) / (BATCHES * ROWS)).toFixed(1)

async function makeBatches(): Promise<string[]> {
  const batchIds: string[] = []
  for (let n = 0; n < BATCHES; n++) {
    const ids = Array.from({ length: ROWS }, () => ({
      c: newUuid(Date.now()),
      r: newUuid(Date.now()),
      d: newUuid(Date.now()),
    }))
    const batchId = newUuid(Date.now())
    const [c, r, d] = [ids.map((one) => one.c), ids.map((one) => one.r), ids.map((one) => one.d)]
    await db.results.query({
      text: `with c as (insert into conversions (id, advertiser_id, by_click, transaction_id, event, click_id, attributed_by, affiliate_id, offer_id,
          affiliate_click_id, subs, occurred_at, status, payout, currency, revision)
        select c, c, false, 't' || c, 'sale', 'c' || c, 'click', c, c, 'a' || c, '{x,y,z}', now(), 'approved', 1.25, 'USD', 1 from unnest($1::uuid[]) x(c)),
      r as (insert into revisions (id, conversion_id, revision, status, payout, currency, occurred_at, fanout_count, catalogue_version)
        select r, c, 1, 'approved', 1.25, 'USD', now(), 1, 1 from unnest($1::uuid[], $2::uuid[]) x(c, r)),
      d as (insert into deliveries (id, conversion_id, revision_id, revision, destination_id, advertiser_id, offer_id, affiliate_id, status, payout, currency, state)
        select d, c, r, 1, c, c, c, c, 'approved', 1.25, 'USD', 'scheduled' from unnest($1::uuid[], $2::uuid[], $3::uuid[]) x(c, r, d))
      insert into batches (id, lease_until, deliveries) values ($4, now() + interval '1 h', $3::uuid[])`,
      values: [c, r, d, batchId],
    })
    batchIds.push(batchId)
  }
  await db.results.query({ text: 'analyze' })
  return batchIds
}

async function timeLoading(): Promise<{ ms: number; jsonMs: number; bytes: number }> {
  const batchIds = await makeBatches()
  let jsonMs = 0
  let bytes = 0
  const startedMs = performance.now()
  for (const batchId of batchIds) {
    const claimed = await claimBatch(db.results, { batchId, workerId, leaseMs: 60_000, again: false })
    const jsonStartedMs = performance.now()
    const text = JSON.stringify(claimed?.deliveries)
    JSON.parse(text)
    bytes += text.length
    jsonMs += performance.now() - jsonStartedMs
  }
  return { ms: performance.now() - startedMs - jsonMs, jsonMs, bytes }
}

async function timeClaimAlone(): Promise<number> {
  const batchIds = await makeBatches()
  const startedMs = performance.now()
  for (const batchId of batchIds)
    await db.results.query({
      name: 'claim_alone',
      text: `with off as (select set_config('synchronous_commit', 'off', true))
        update batches set claimed_by = $2, runs = runs + 1, lease_until = now() + interval '60 s' from off
        where id = $1 and claimed_by is null and lease_until > now() returning deliveries`,
      values: [batchId, workerId],
    })
  return performance.now() - startedMs
}

await timeLoading()
const alone = await timeClaimAlone()
const loading = await timeLoading()
console.table({
  'claim that loads its rows': { 'us per delivery': perRowUs(loading.ms) },
  'claim of the batch alone': { 'us per delivery': perRowUs(alone) },
  'JSON of the rows, written and read once': { 'us per delivery': perRowUs(loading.jsonMs) },
})
console.log(`bytes of JSON per delivery: ${Math.round(loading.bytes / (BATCHES * ROWS))}`)
await db.close()
await postgres.stop(1000)
await rm(dataDir, { recursive: true, force: true })

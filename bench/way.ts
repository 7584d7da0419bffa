import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import pino from 'pino'
import { loadConfig } from '../config/load.ts'
import { createCatalogue } from '../src/catalogue/create-catalogue.ts'
import { insertClicks } from '../src/clicks/store.ts'
import type { Context } from '../src/context.ts'
import { type Database, openDatabase } from '../src/db/database.ts'
import { startEmbeddedPostgres } from '../src/db/embedded-postgres.ts'
import { prepareDatabase } from '../src/db/prepare-database.ts'
import type { Outcome } from '../src/deliveries/outcome.ts'
import { writeOutcomesOnce } from '../src/deliveries/write-outcomes.ts'
import { claim } from '../src/dispatch/claim.ts'
import type { TravellingRow } from '../src/dispatch/travelling.ts'
import { createIntake } from '../src/intake/create-intake.ts'
import type { Report } from '../src/intake/report.ts'
import { systemClock } from '../src/kit/clock.ts'
import { newUuid, type Uuid } from '../src/kit/ids.ts'
import { createSecretBox } from '../src/kit/secret-box.ts'
import { createMetrics } from '../src/reports/metrics.ts'
import { usageOf } from './processes.ts'

/** Microseconds per delivery: wall time by step, processor time by process. */
export type Cost = {
  deliveries: number
  flush: number
  claim: number
  result: number
  nodeCpu: number
  postgresCpu: number
}

const CLICKS = 2000
const CALLS_IN_FLIGHT = 256
/** Claimed before their lease of 15 s is over. */
const CONVERSIONS_PER_STEP = 2500
const OUTCOMES_PER_FLUSH = 500

/** A seeded database with the relay's own intake, claim and result flush on it; no HTTP, no queue, no tracker. */
export async function openWay(dataDir: string) {
  const log = pino({ level: 'silent' })
  const postgres = await startEmbeddedPostgres({ dataDir, log })
  await prepareDatabase(postgres.connectionString, { mayMigrate: true, log })
  const db = openDatabase({ connectionString: postgres.connectionString, log, applicationName: 'bench' })
  const catalogue = await createCatalogue({ db, log, clock: systemClock })
  const hinted: Uuid[] = []
  const dead = catalogue.resolve('destination', 'dst-0')
  const ctx = {
    ...{ config: loadConfig({ LOG_LEVEL: 'silent' }), log, clock: systemClock, db, catalogue },
    queues: {
      backend: 'redis',
      hint: async (_: string, batchId: Uuid) => {
        hinted.push(batchId)
        return 'added'
      },
      room: () => 1000,
      take: () => undefined,
      work: () => ({ close: async () => undefined }),
      problem: () => null,
      close: async () => undefined,
    },
    roads: { isDirect: (id: Uuid) => id !== dead, close: async () => undefined },
    secrets: createSecretBox('a secrets key of thirty-two characters'),
    metrics: createMetrics(),
  } as unknown as Context
  const intake = createIntake(ctx)
  const clicks = await makeClicks(ctx)
  const run = Date.now().toString(36)
  let reported = 0

  const report = (): Promise<unknown> => {
    const n = reported++
    const click = clicks[n % clicks.length]
    if (click === undefined) throw new Error('no clicks')
    const said = {
      clickId: click.clickId,
      transactionId: `way-${run}-${n}`,
      status: 'approved',
      payout: '1.25',
    }
    const raw = { method: 'GET', url: '/postback/***', headers: {}, body: null, truncated: false }
    const call = {
      ...{ id: newUuid(Date.now()), source: 'postback' as const, advertiserId: click.advertiserId },
      ...{ remoteIp: '127.0.0.1', reprocessedFrom: null, raw },
    }
    return intake.submit(call, { ...NOTHING_SAID, ...said } as unknown as Report, null)
  }

  return {
    ctx,
    db,
    async measure(conversions: number): Promise<Cost> {
      const sums = { deliveries: 0, flush: 0, claim: 0, result: 0 }
      const [node, server] = [process.cpuUsage(), postgresCpuS(dataDir)]
      for (let done = 0; done < conversions; done += CONVERSIONS_PER_STEP) {
        sums.flush += await timed(() => inParallel(CALLS_IN_FLIGHT, CONVERSIONS_PER_STEP, report))
        const rows: TravellingRow[] = []
        const workerId = newUuid(Date.now())
        const batches = hinted.splice(0)
        sums.claim += await timed(() =>
          inParallel(4, batches.length, async (n) => {
            const bounds = { leaseMs: 60_000 } as Parameters<typeof claim>[1]['bounds']
            const claimed = await claim(ctx, {
              batchId: batches[n] ?? '',
              queue: 'deliver',
              workerId,
              bounds,
            })
            rows.push(...(claimed?.rows ?? []))
          }),
        )
        sums.deliveries += rows.length
        sums.result += await timed(() => writeResults(ctx, workerId, rows))
      }
      const { user, system } = process.cpuUsage(node)
      const per = (us: number): number => us / Math.max(1, sums.deliveries)
      return {
        deliveries: sums.deliveries,
        flush: per(sums.flush),
        claim: per(sums.claim),
        result: per(sums.result),
        nodeCpu: per(user + system),
        postgresCpu: per((postgresCpuS(dataDir) - server) * 1e6),
      }
    },
    async close(): Promise<void> {
      await intake.close()
      catalogue.close()
      await db.close()
      await postgres.stop(10_000)
    },
  }
}

const NOTHING_SAID = {
  ...{
    affiliateClickId: null,
    event: null,
    saleAmount: null,
    revenue: null,
    currency: null,
    occurredAt: null,
  },
  ...{ subs: [], affiliateId: null, offerId: null, params: {}, notes: [] },
}

/** New clicks of all affiliates but the dead destination's, of all offers. */
async function makeClicks(ctx: { db: Database }): Promise<{ clickId: string; advertiserId: Uuid }[]> {
  const { rows } = await ctx.db.reads.query<{ affiliate_id: Uuid; offer_id: Uuid; advertiser_id: Uuid }>({
    text: `select a.id as affiliate_id, o.id as offer_id, o.advertiser_id
      from (select id, row_number() over (order by md5(id::text)) as n from affiliates where external_id <> 'aff-0') a
      join (select id, advertiser_id, row_number() over (order by id) as n, count(*) over () as total from offers) o
        on o.n = 1 + a.n % o.total
      order by a.n limit ${CLICKS}`,
  })
  const clicks = rows.map((row) => ({
    clickId: `way-${newUuid(Date.now())}`,
    advertiserId: row.advertiser_id,
    affiliateId: row.affiliate_id,
    offerId: row.offer_id,
  }))
  const now = new Date()
  await insertClicks(
    ctx.db.intake,
    clicks.map(({ clickId, affiliateId, offerId }) => ({
      ...{ id: newUuid(Date.now()), clickId, affiliateId, offerId, affiliateClickId: `ac-${clickId}` },
      ...{
        subs: ['a', 'b'],
        params: {},
        ip: null,
        userAgent: null,
        country: null,
        clickedAt: now,
        createdAt: now,
      },
    })),
  )
  return clicks
}

async function writeResults(ctx: Context, workerId: Uuid, rows: readonly TravellingRow[]): Promise<void> {
  const flushes = Math.ceil(rows.length / OUTCOMES_PER_FLUSH)
  await inParallel(2, flushes, async (n) => {
    const part = rows.slice(n * OUTCOMES_PER_FLUSH, (n + 1) * OUTCOMES_PER_FLUSH)
    await writeOutcomesOnce(ctx, workerId, part.map(toDelivered))
    for (const row of part) row.batch.open--
  })
}

const toDelivered = (row: TravellingRow): Outcome => ({
  row,
  attempt: {
    ...{ id: newUuid(Date.now()), startedAt: new Date(), verdict: 'delivered', httpStatus: 200, error: null },
    ...{ timingsMs: { dns: 1, tcp: 2, tls: 3, first_byte: 4, total: 5 } as never, remoteIp: '127.0.0.1' },
    ...{ destinationVersion: 1, replayId: null },
    request: {
      method: 'GET',
      url: 'http://tracker.example/postback?clickid=1&payout=1.25',
      headers: {},
      body: null,
    },
    response: { status: 200, headers: { 'content-type': 'text/plain' }, body: 'OK' },
  },
  next: { state: 'delivered' },
  floods: false,
})

async function timed(run: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now()
  await run()
  return (performance.now() - startedMs) * 1000
}

async function inParallel(width: number, total: number, run: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const work = async (): Promise<void> => {
    while (next < total) await run(next++)
  }
  await Promise.all(Array.from({ length: width }, work))
}

/** Seconds of processor time of the server's processes, autovacuum and checkpoints included. */
function postgresCpuS(dataDir: string): number {
  const postmaster = readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids
    .filter((pid) => parentOf(pid) === postmaster)
    .reduce((sum, pid) => sum + usageOf(Number(pid)).cpuS, 0)
}

function parentOf(pid: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1]
  } catch {
    return undefined
  }
}

import pino from 'pino'
import { loadConfig } from '../../config/load.ts'
import { createCatalogue } from '../../src/catalogue/create-catalogue.ts'
import type { Context } from '../../src/context.ts'
import { openDatabase } from '../../src/db/database.ts'
import { createIntake } from '../../src/intake/create-intake.ts'
import type { Report } from '../../src/intake/report.ts'
import { settleDue } from '../../src/intake/settle.ts'
import { systemClock } from '../../src/kit/clock.ts'
import type { Uuid } from '../../src/kit/ids.ts'
import { createSecretBox } from '../../src/kit/secret-box.ts'
import { createMetrics } from '../../src/reports/metrics.ts'
import { createTestDatabase } from './postgres.ts'
import { callOf, reportOf } from './reports.ts'
import { createRows } from './rows.ts'

/** Intake on a real database. Hints are collected instead of sent; `room` is the queue's headroom in jobs. */
export async function startIntakeRig(options: { room?: number; notDirect?: Set<Uuid> } = {}) {
  const database = await createTestDatabase()
  const log = pino({ level: 'silent' })
  const db = openDatabase({ connectionString: database.connectionString, log, applicationName: 'test' })
  const catalogue = await createCatalogue({ db, log, clock: systemClock })
  const hinted: Uuid[] = []
  const ctx: Context = {
    config: loadConfig({ LOG_LEVEL: 'silent' }),
    log,
    clock: systemClock,
    db,
    catalogue,
    queues: {
      backend: 'redis',
      hint: async (_, batchId) => {
        hinted.push(batchId)
        return 'added'
      },
      room: () => options.room ?? 100,
      take: () => undefined,
      work: () => ({ close: async () => undefined }),
      problem: () => null,
      close: async () => undefined,
    },
    roads: { isDirect: (id) => !options.notDirect?.has(id), close: async () => undefined },
    outbound: { send: async () => ({ kind: 'not_sent' }), close: async () => undefined },
    secrets: createSecretBox('a secrets key of thirty-two characters'),
    metrics: createMetrics(),
  }
  const intake = createIntake(ctx)
  const rows = createRows(db.reads)

  return {
    ctx,
    db,
    database,
    intake,
    rows,
    hinted,
    call: callOf,
    nothingSaid: reportOf({}),
    report: (advertiserId: Uuid, said: Partial<Report>) =>
      intake.submit(callOf(advertiserId), reportOf(said), null),
    /** Makes every parked conversion due and settles. */
    async settleNow() {
      await db.reads.query({ text: `update unsettled set due_at = now() where due_at < 'infinity'` })
      return settleDue(ctx)
    },
    async list<Row extends Record<string, unknown>>(text: string, values: unknown[] = []): Promise<Row[]> {
      return (await db.reads.query<Row>({ text, values })).rows
    },
    /** What was decided, in the order of revisions: `1 approved scheduled`. */
    async decisions(destinationId?: Uuid): Promise<string[]> {
      const { rows: found } = await db.reads.query<{ d: string }>({
        text: `select concat_ws(' ', revision, status, state, reason) d from deliveries
          where $1::uuid is null or destination_id = $1 order by revision, destination_id`,
        values: [destinationId ?? null],
      })
      return found.map((row) => row.d)
    },
    /** The delivery of a revision leaves `due` or its batch with an outcome, as the result flush would write it. */
    async end(revision: number, state: string) {
      await db.reads.query({
        text: `with d as (update deliveries set state = $2, delivered_at = case when $2 = 'delivered' then now() end where revision = $1 returning id),
          u as (delete from due where delivery_id in (select id from d))
          update batches b set deliveries = (select coalesce(array_agg(x), '{}') from unnest(b.deliveries) x where x not in (select id from d))`,
        values: [revision, state],
      })
    },
    async close() {
      await intake.close()
      catalogue.close()
      await db.close()
      await database.drop()
    },
  }
}

export type IntakeRig = Awaited<ReturnType<typeof startIntakeRig>>

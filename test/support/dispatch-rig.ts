import { pino } from 'pino'
import { loadConfig } from '../../config/load.ts'
import type { Config } from '../../config/schema.ts'
import type { DestinationDefinition } from '../../src/catalogue/catalogue.ts'
import { createCatalogue } from '../../src/catalogue/create-catalogue.ts'
import type { Context } from '../../src/context.ts'
import { openDatabase } from '../../src/db/database.ts'
import { createRoads } from '../../src/dispatch/create-roads.ts'
import { startDelivering } from '../../src/dispatch/start-delivering.ts'
import { type SweepTimes, startSweeping } from '../../src/dispatch/start-sweeping.ts'
import { systemClock } from '../../src/kit/clock.ts'
import { newUuid, type Uuid } from '../../src/kit/ids.ts'
import { createSecretBox } from '../../src/kit/secret-box.ts'
import { createOutbound } from '../../src/outbound/create-outbound.ts'
import type { createQueues } from '../../src/queue/create-queues.ts'
import type { Queues } from '../../src/queue/queues.ts'
import { createMetrics } from '../../src/reports/metrics.ts'
import { createMemoryQueues, type MemoryQueues } from './memory-queues.ts'
import { createTestDatabase } from './postgres.ts'
import { createRows } from './rows.ts'

export type LogLine = { level: number; msg: string } & Record<string, unknown>

export type StoredDelivery = {
  state: string
  reason: string | null
  next_id: Uuid | null
  attempts_count: number
  retries_used: number
  last_http_status: number | null
  last_verdict: string | null
  last_error: string | null
  delivered_at: Date | null
  held_since: Date | null
}

export type Way = {
  conversion: Awaited<ReturnType<ReturnType<typeof createRows>['conversion']>>
  deliveryId: Uuid
  /** The affiliate's. */
  clickId: string
}

export const RIG_SECRETS_KEY = 'a secrets key of thirty-two characters'

const TEST_SETTINGS = {
  LOG_LEVEL: 'info',
  OUTBOUND_ALLOW_CIDRS: '127.0.0.0/8',
  RETRY_SCHEDULE: '10ms,10ms',
  SWEEP_INTERVAL_MS: '20',
}

type RigOptions = {
  settings?: Record<string, string>
  /** For what the settings' own checks would refuse, like very short leases. */
  config?: Partial<Config>
  /** Default: in memory. */
  openQueues?: (parts: Parameters<typeof createQueues>[0]) => Queues
}

/** Dispatch on a real database, calling real receivers. Deliveries come from `schedule`, workers from `work`. */
export async function startDispatchRig(options: RigOptions = {}) {
  const database = await createTestDatabase()
  const lines: LogLine[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const connectionString = database.connectionString
  const config = { ...loadConfig({ ...TEST_SETTINGS, ...options.settings }), ...options.config }
  const db = openDatabase({ connectionString, log, applicationName: 'test' })
  const catalogue = await createCatalogue({ db, log, clock: systemClock })
  const memory: MemoryQueues = createMemoryQueues()
  const queues = options.openQueues?.({ config, log, db, databaseUrl: connectionString }) ?? memory
  const ctx: Context = {
    config,
    log,
    clock: systemClock,
    db,
    catalogue,
    queues,
    roads: createRoads({ db, log }),
    outbound: createOutbound({ config, log }),
    secrets: createSecretBox(RIG_SECRETS_KEY),
    metrics: createMetrics(),
  }
  const rows = createRows(db.reads)
  const open: { close(): Promise<void> }[] = []
  const keep = <T extends { close(): Promise<void> }>(one: T): T => {
    open.push(one)
    return one
  }

  const rig = {
    ctx,
    db,
    rows,
    lines,
    memory,
    keep,
    /** One advertiser, offer, affiliate and destination that calls `url`. */
    async network(url: string, definition: Partial<DestinationDefinition> = {}) {
      const network = await rows.network({
        url: `${url}/postback?clickid={affiliate_click_id}&status={status}`,
        ...definition,
      })
      await catalogue.refresh()
      return network
    },
    /** A conversion of this network with one scheduled delivery; by default nowhere yet. */
    async schedule(
      network: Awaited<ReturnType<typeof rows.network>>,
      delivery: { place?: 'due' | 'batch' | 'nowhere'; revision?: number; status?: string } = {},
    ): Promise<Way> {
      const clickId = newUuid(Date.now())
      const conversion = await rows.conversion({
        ...network,
        transactionId: clickId,
        affiliateClickId: clickId,
        payout: '1.5',
        currency: 'USD',
      })
      const deliveryId = await rig.addRevision(network, conversion, { place: 'nowhere', ...delivery })
      return { conversion, deliveryId, clickId }
    },
    async addRevision(
      network: { destinationId: Uuid },
      conversion: Way['conversion'],
      delivery: { place?: 'due' | 'batch' | 'nowhere'; revision?: number; status?: string; dueAt?: Date },
    ): Promise<Uuid> {
      const revision = await rows.revision(conversion, {
        revision: delivery.revision ?? 1,
        status: delivery.status ?? 'approved',
      })
      return rows.delivery({
        conversion,
        revision,
        destinationId: network.destinationId,
        payout: '1.5',
        ...(delivery.place !== undefined && { place: delivery.place }),
        ...(delivery.dueAt !== undefined && { dueAt: delivery.dueAt }),
      })
    },
    /** Rows of due with deliveries behind them, in one statement. */
    async waitingRows(
      network: Awaited<ReturnType<typeof rows.network>>,
      count: number,
      row: { share?: number; dueInMs?: number } = {},
    ): Promise<Uuid[]> {
      const { conversion } = await rig.schedule(network)
      const inserted = await rig.list<{ id: Uuid }>(
        `with one as (select * from deliveries where conversion_id = $1),
        d as (
          insert into deliveries (id, conversion_id, revision_id, revision, destination_id, advertiser_id, offer_id,
            affiliate_id, status, state)
          select x.id, o.conversion_id, o.revision_id, 1, o.destination_id, o.advertiser_id, o.offer_id, o.affiliate_id,
            'approved', 'scheduled'
          from one o cross join unnest($2::uuid[]) x(id) returning id),
        u as (
          insert into due (delivery_id, destination_id, share, due_at)
          select x.id, $3, $4, now() + $5 * interval '1 ms' from unnest($2::uuid[]) x(id))
        select id from d`,
        [
          conversion.id,
          Array.from({ length: count }, () => newUuid(Date.now())),
          network.destinationId,
          row.share ?? 0,
          row.dueInMs ?? -1000,
        ],
      )
      return inserted.map((one) => one.id)
    },
    /** A batch as the intake writes it, with its hint unless that is lost. */
    async travel(
      deliveries: Uuid[],
      batch: { hint?: boolean; leaseMs?: number; destinationId?: Uuid } = {},
    ): Promise<Uuid> {
      const id = newUuid(Date.now())
      await db.reads.query({
        text: `insert into batches (id, lease_until, deliveries, destination_id)
          values ($1, now() + $2 * interval '1 ms', $3, $4)`,
        values: [id, batch.leaseMs ?? 15_000, deliveries, batch.destinationId ?? null],
      })
      if (batch.hint !== false) await queues.hint('deliver', id)
      return id
    },
    work(context: Partial<Context> = {}, id = newUuid(Date.now())) {
      return keep(startDelivering({ ...ctx, ...context }, { id, random: () => 0.5 }))
    },
    sweep(times: Partial<SweepTimes> = {}) {
      return keep(
        startSweeping(ctx, newUuid(Date.now()), { transitLeaseMs: 15_000, takeoverQuietMs: 0, ...times }),
      )
    },
    async list<Row extends Record<string, unknown>>(text: string, values: unknown[] = []): Promise<Row[]> {
      return (await db.reads.query<Row>({ text, values })).rows
    },
    async delivery(id: Uuid): Promise<StoredDelivery> {
      const [row] = await rig.list<StoredDelivery>(
        `select state, reason, next_id, attempts_count, retries_used, last_http_status, last_verdict, last_error,
          delivered_at, held_since from deliveries where id = $1`,
        [id],
      )
      if (row === undefined) throw new Error('no such delivery')
      return row
    },
    /** What is unfinished, and where. */
    async places(): Promise<{ due: Uuid[]; batches: Uuid[][] }> {
      const due = await rig.list<{ delivery_id: Uuid }>('select delivery_id from due order by 1')
      const batches = await rig.list<{ deliveries: Uuid[] }>('select deliveries from batches order by id')
      return { due: due.map((row) => row.delivery_id), batches: batches.map((row) => row.deliveries) }
    },
    attempts: (id: Uuid) =>
      rig.list<{ verdict: string; http_status: number | null; error: string | null; late: boolean }>(
        'select verdict, http_status, error, late from attempts where delivery_id = $1 order by id',
        [id],
      ),
    async close() {
      await Promise.all(open.map((one) => one.close()))
      await ctx.roads.close()
      await ctx.outbound.close()
      await queues.close()
      catalogue.close()
      await db.close()
      await database.drop()
    },
  }
  return rig
}

export type DispatchRig = Awaited<ReturnType<typeof startDispatchRig>>

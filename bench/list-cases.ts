import { listClicks } from '../src/clicks/store.ts'
import type { Context } from '../src/context.ts'
import type { Database, Statement } from '../src/db/database.ts'
import { findConversions } from '../src/deliveries/find-conversions.ts'
import { findDeliveries } from '../src/deliveries/find-deliveries.ts'
import type { DeliveryQuery } from '../src/deliveries/schema.ts'
import { traceId } from '../src/deliveries/trace-id.ts'
import { readPageRequest } from '../src/http/pagination.ts'
import { findInboundCalls } from '../src/intake/find-inbound-calls.ts'
import { encodeId } from '../src/kit/ids.ts'
import { ADVERTISERS, NAMES, OFFERS } from './seed-rows.ts'

/** One read of the API on a seeded database: a list with some of its filters, or a trace. */
export type ListCase = { name: string; list: string; filter: object; run(): Promise<unknown> }

type Ctx = Pick<Context, 'db' | 'catalogue'>
type Span = { from: string; to: string }
type Sample = {
  click_id: string
  affiliate_click_id: string
  transaction_id: string
  conversion_id: string
  delivery_id: string
  idle_call_id: string
  oldest_at: Date
  destinations: number
}

const DAY_MS = 86_400_000

/** The same database; `note` hears every statement of its read pool that is not part of a transaction. */
export function noteReads(db: Database, note: (statement: Statement) => void): Database {
  const query = (statement: Statement): unknown => {
    note(statement)
    return db.reads.query(statement)
  }
  return { ...db, reads: { connect: () => db.reads.connect(), query } as Database['reads'] }
}

/** Each list over a table that grows without end, with each of its filters: frequent, rare and unknown values. */
export async function listCases(ctx: Ctx): Promise<ListCase[]> {
  const sample = await findSample(ctx)
  return [
    ...deliveryCases(ctx, sample),
    ...conversionCases(ctx, sample),
    ...callCases(ctx, sample),
    ...clickCases(ctx, sample),
    ...traceCases(ctx, sample),
  ]
}

async function findSample(ctx: Ctx): Promise<Sample> {
  const { rows } = await ctx.db.reads.query<Sample>({
    text: `select c.click_id, c.affiliate_click_id, c.transaction_id, c.id as conversion_id, d.id as delivery_id,
        (select id from inbound_calls order by id limit 1) as idle_call_id,
        (select created_at from conversions order by id limit 1) as oldest_at,
        (select count(*)::int from destinations) as destinations
      from conversions c join deliveries d on d.conversion_id = c.id
      where c.id > (select id from conversions order by id desc offset 1000 limit 1) limit 1`,
  })
  if (rows[0] === undefined) throw new Error('the database is empty')
  return rows[0]
}

/** A day when all of the rare states, statuses and errors occurred. */
function longAgo({ oldest_at }: Sample): Span {
  const fromMs = oldest_at.getTime() + DAY_MS
  return { from: new Date(fromMs).toISOString(), to: new Date(fromMs + DAY_MS).toISOString() }
}

function deliveryCases(ctx: Ctx, sample: Sample): ListCase[] {
  const last = sample.destinations - 1
  const destinations = [0, 1, Math.ceil(last / 2), last - 1, last].map(NAMES.destination)
  const affiliates = [0, 1, Math.ceil(last / 4), Math.floor(last / 2)].map(NAMES.affiliate)
  const cnv = encodeId('conversion', sample.conversion_id)
  const dlv = encodeId('delivery', sample.delivery_id)
  const dead = encodeId('destination', ctx.catalogue.resolve('destination', NAMES.destination(0)) ?? '')
  const prefixes = ['order-', 'order-00', sample.click_id.slice(0, 2), sample.click_id.slice(0, 6), 'zzz']
  const queries: DeliveryQuery[] = [
    {},
    ...['scheduled', 'held', 'delivered', 'refused', 'failed', 'skipped', 'superseded', 'cancelled'].map(
      (state) => ({ state }),
    ),
    { state: 'refused,failed' },
    { state: 'scheduled,cancelled' },
    { state: 'held,failed' },
    ...['breaker_open', 'delay', 'offer_not_selected', 'destination_archived', 'never_heard_of'].map(
      (reason) => ({ reason }),
    ),
    ...destinations.map((id) => ({ destination_id: id })),
    ...affiliates.map((id) => ({ affiliate_id: id })),
    ...[0, OFFERS].map((n) => ({ offer_id: NAMES.offer(n) })),
    ...[0, ADVERTISERS].map((n) => ({ advertiser_id: NAMES.advertiser(n) })),
    { click_id: sample.click_id },
    { click_id: 'none' },
    { affiliate_click_id: sample.affiliate_click_id },
    { transaction_id: sample.transaction_id },
    { conversion_id: cnv },
    ...[200, 204, 404, 451, 500].map((http_status) => ({ http_status })),
    ...['connect_timeout', 'tls_failed', 'none'].map((error) => ({ error })),
    longAgo(sample),
    ...[dlv, dlv.slice(0, 20), cnv, cnv.slice(0, 20), dead, ...prefixes].map((q) => ({ q })),
    { state: 'failed', destination_id: 'dst-0' },
    { state: 'delivered', destination_id: 'dst-0' },
    { state: 'scheduled', destination_id: 'dst-0' },
    { state: 'held', destination_id: 'dst-0' },
    { state: 'cancelled', destination_id: 'dst-1' },
    { state: 'failed', affiliate_id: 'aff-0' },
    { state: 'refused', offer_id: 'ofr-7' },
    { state: 'cancelled', advertiser_id: 'adv-3' },
    { state: 'failed', ...longAgo(sample) },
    { state: 'held', ...longAgo(sample) },
    { destination_id: 'dst-1', ...longAgo(sample) },
    { destination_id: 'dst-0', http_status: 500 },
    { destination_id: 'dst-0', error: 'connect_timeout' },
    { destination_id: 'dst-1', q: 'order-' },
    { offer_id: 'ofr-7', http_status: 451 },
    { destination_id: 'dst-1', reason: 'offer_not_selected' },
  ]
  return queries.map((query) => toCase('deliveries', query, () => findDeliveries(ctx, query)))
}

function conversionCases(ctx: Ctx, sample: Sample): ListCase[] {
  const cnv = encodeId('conversion', sample.conversion_id)
  const queries = [
    {},
    ...[0, ADVERTISERS].map((n) => ({ advertiser_id: NAMES.advertiser(n) })),
    ...affiliatesOf(sample).map((affiliate_id) => ({ affiliate_id })),
    ...[0, OFFERS].map((n) => ({ offer_id: NAMES.offer(n) })),
    ...(['pending', 'approved', 'rejected'] as const).map((status) => ({ status })),
    { click_id: sample.click_id },
    { transaction_id: sample.transaction_id },
    ...['order-', 'order-00', 'zzz', cnv].map((q) => ({ q })),
    { status: 'rejected' as const, affiliate_id: 'aff-1' },
    longAgo(sample),
  ]
  return queries.map((query) => toCase('conversions', query, () => findConversions(ctx, query)))
}

function callCases(ctx: Ctx, sample: Sample): ListCase[] {
  const ids = [encodeId('inboundCall', sample.idle_call_id), encodeId('conversion', sample.conversion_id)]
  const queries = [
    {},
    ...(['accepted', 'duplicate', 'parked', 'quarantined'] as const).map((result) => ({ result })),
    ...[0, ADVERTISERS].map((n) => ({ advertiser_id: NAMES.advertiser(n) })),
    { result: 'duplicate' as const, advertiser_id: 'adv-3' },
    { result: 'parked' as const, advertiser_id: 'adv-3' },
    ...['unknown_status', 'bad_signature', 'none'].map((code) => ({ code })),
    ...[sample.click_id, 'order-', 'q-order-0', ...ids].map((q) => ({ q })),
    longAgo(sample),
  ]
  return queries.map((query) => toCase('inbound-calls', query, () => findInboundCalls(ctx, query)))
}

type ClickQuery = {
  click_id?: string
  affiliate_click_id?: string
  affiliate_id?: string
  offer_id?: string
} & Partial<Span>

function clickCases(ctx: Ctx, sample: Sample): ListCase[] {
  const queries: ClickQuery[] = [
    {},
    { click_id: 'none' },
    { affiliate_click_id: sample.affiliate_click_id },
    ...affiliatesOf(sample).map((affiliate_id) => ({ affiliate_id })),
    { offer_id: NAMES.offer(OFFERS) },
    longAgo(sample),
  ]
  return queries.map((query) => toCase('clicks', query, () => findClicks(ctx, query)))
}

const findClicks = (ctx: Ctx, query: ClickQuery): Promise<unknown> =>
  listClicks(ctx.db.reads, {
    ...readPageRequest(query),
    clickId: query.click_id ?? null,
    affiliateClickId: query.affiliate_click_id ?? null,
    affiliateId: query.affiliate_id ? ctx.catalogue.resolve('affiliate', query.affiliate_id) : null,
    offerId: query.offer_id ? ctx.catalogue.resolve('offer', query.offer_id) : null,
  })

/** One with many conversions, and one with none. */
const affiliatesOf = ({ destinations }: Sample): string[] =>
  [1, Math.floor((destinations - 1) / 2)].map(NAMES.affiliate)

function traceCases(ctx: Ctx, sample: Sample): ListCase[] {
  const idOf = (noun: 'destination' | 'affiliate' | 'advertiser', name: string): string =>
    encodeId(noun, ctx.catalogue.resolve(noun, name) ?? '')
  const named = [
    sample.click_id,
    sample.transaction_id,
    encodeId('delivery', sample.delivery_id),
    encodeId('conversion', sample.conversion_id),
    'none',
    idOf('destination', 'dst-0'),
    idOf('affiliate', 'aff-1'),
    idOf('advertiser', NAMES.advertiser(ADVERTISERS)),
  ]
  return named.map((id) => toCase('trace', { id }, () => traceId(ctx, id)))
}

const toCase = (list: string, filter: object, run: () => Promise<unknown>): ListCase => ({
  name: `${list} ${show(filter)}`,
  list,
  filter,
  run,
})

function show(filter: object): string {
  const words = Object.entries(filter).map(([name, value]) => `${name}=${value}`)
  return words.length === 0 ? 'without a filter' : words.join(' ')
}

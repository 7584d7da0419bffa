import { type Conditions, createConditions } from '../db/conditions.ts'
import type { Db } from '../db/database.ts'
import type { PageRequest } from '../http/pagination.ts'
import { lowestUuid, type Noun, type Uuid } from '../kit/ids.ts'
import type { Decimal } from '../kit/money.ts'
import type { ShownState } from './delivery-states.ts'
import { HELD_JOINS, HELD_REASON, HELD_REASONS } from './held.ts'
import type { IdSearch } from './id-search.ts'

export type DeliveryRow = {
  id: Uuid
  state: ShownState
  reason: string | null
  conversion_id: Uuid
  revision: number
  event: string | null
  status: string
  advertiser_id: Uuid
  offer_id: Uuid
  affiliate_id: Uuid
  destination_id: Uuid
  click_id: string | null
  affiliate_click_id: string | null
  transaction_id: string | null
  payout: Decimal | null
  currency: string | null
  attempts_count: number
  due_at: Date | null
  last_http_status: number | null
  last_verdict: string | null
  last_error: string | null
  last_attempt_at: Date | null
  delivered_at: Date | null
  test: boolean
  updated_at: Date
}

export type DeliveryFilter = {
  states: readonly ShownState[]
  reason: string | null
  affiliateId: Uuid | null
  destinationId: Uuid | null
  offerId: Uuid | null
  advertiserId: Uuid | null
  conversionId: Uuid | null
  clickId: string | null
  affiliateClickId: string | null
  transactionId: string | null
  httpStatus: number | null
  error: string | null
  search: IdSearch | null
}

const COLUMNS = `d.id, case when ${HELD_REASON} is not null then 'held' else d.state end as state,
    coalesce(${HELD_REASON}, d.reason) as reason, d.conversion_id, d.revision,
    coalesce(d.test_facts->>'event', c.event) as event, d.status, d.advertiser_id, d.offer_id,
    d.affiliate_id, d.destination_id, coalesce(d.test_facts->>'click_id', c.click_id) as click_id,
    coalesce(d.test_facts->>'affiliate_click_id', c.affiliate_click_id) as affiliate_click_id,
    coalesce(d.test_facts->>'transaction_id', c.transaction_id) as transaction_id, d.payout, d.currency, d.attempts_count,
    case when hl.blocked_until > u.due_at then hl.blocked_until else u.due_at end as due_at,
    d.last_http_status, d.last_verdict, d.last_error, d.last_attempt_at, d.delivered_at, d.test, d.updated_at`

const FROM = `deliveries d left join conversions c on c.id = d.conversion_id
    left join due u on u.delivery_id = d.id and d.state = 'scheduled' ${HELD_JOINS}`

/** What only a delivery that is held can match starts from `due`, which is small beside the log. */
const FROM_HELD = `due u join deliveries d on d.id = u.delivery_id and d.state = 'scheduled'
    left join conversions c on c.id = d.conversion_id ${HELD_JOINS}`

/**
 * At most limit + 1 deliveries, newest first. Filters by what the advertiser or affiliate calls things go through the
 * indexes of conversions, the others through those of deliveries.
 */
export async function listDeliveries(
  db: Db,
  page: PageRequest,
  filter: DeliveryFilter,
): Promise<DeliveryRow[]> {
  const where = createConditions()
  addPage(where, page)
  if (filter.states.length > 0) addStates(where, filter.states)
  if (filter.reason !== null) where.add(`coalesce(${HELD_REASON}, d.reason) = ?`, filter.reason)
  if (filter.affiliateId !== null)
    where.add(
      'd.destination_id = any(array(select id from destinations where affiliate_id = ?))',
      filter.affiliateId,
    )
  if (filter.destinationId !== null) where.add('d.destination_id = ?', filter.destinationId)
  if (filter.offerId !== null) where.add('d.offer_id = ?', filter.offerId)
  if (filter.advertiserId !== null) where.add('d.advertiser_id = ?', filter.advertiserId)
  if (filter.conversionId !== null) where.add('d.conversion_id = ?', filter.conversionId)
  if (filter.clickId !== null) where.add('c.click_id = ?', filter.clickId)
  if (filter.affiliateClickId !== null) where.add('c.affiliate_click_id = ?', filter.affiliateClickId)
  if (filter.transactionId !== null) where.add('c.transaction_id = ?', filter.transactionId)
  if (filter.httpStatus !== null) where.add('d.last_http_status = ?', filter.httpStatus)
  if (filter.error !== null) where.add('d.last_error = ?', filter.error)
  if (filter.search !== null) addSearch(where, filter.search)
  const { rows } = await db.query<DeliveryRow>({
    text: `select ${COLUMNS} from ${isHeldOnly(filter) ? FROM_HELD : FROM}
      where ${where.sql} order by d.id desc limit ${where.bind(page.limit + 1)}`,
    values: where.values,
  })
  return rows
}

function addPage(where: Conditions, page: PageRequest): void {
  if (page.before !== null) where.add('d.id < ?', page.before)
  if (page.from !== null) where.add('d.id >= ?', lowestUuid(page.from.getTime()))
  if (page.to !== null) where.add('d.id < ?', lowestUuid(page.to.getTime()))
}

function addStates(where: Conditions, states: readonly ShownState[]): void {
  const stored = states.filter((state) => state !== 'held' && state !== 'scheduled')
  const parts = [`d.state = any(${where.bind(stored)}::text[])`]
  if (states.includes('scheduled')) parts.push(`d.state = 'scheduled' and ${HELD_REASON} is null`)
  if (states.includes('held')) parts.push(`d.state = 'scheduled' and ${HELD_REASON} is not null`)
  where.add(parts.map((part) => `(${part})`).join(' or '))
}

const SEARCHED_COLUMNS: Partial<Record<Noun, string>> = {
  delivery: 'd.id',
  conversion: 'd.conversion_id',
  destination: 'd.destination_id',
}

function addSearch(where: Conditions, search: IdSearch): void {
  if (search.kind === 'range') {
    where.add(`${SEARCHED_COLUMNS[search.noun] ?? 'd.id'} between ? and ?`, search.from, search.to)
    return
  }
  const pattern = where.bind(search.likePattern)
  where.add(
    `c.click_id like ${pattern} or c.affiliate_click_id like ${pattern} or c.transaction_id like ${pattern}`,
  )
}

const isHeldOnly = (filter: DeliveryFilter): boolean =>
  (filter.states.length > 0 && filter.states.every((state) => state === 'held')) ||
  (HELD_REASONS as readonly (string | null)[]).includes(filter.reason)

export async function findDelivery(db: Db, id: Uuid): Promise<DeliveryRow | null> {
  const { rows } = await db.query<DeliveryRow>({
    name: 'find_delivery',
    text: `select ${COLUMNS} from ${FROM} where d.id = $1`,
    values: [id],
  })
  return rows[0] ?? null
}

const TRACED_MAX = 200

/** Deliveries of some conversions, newest first, for a trace. */
export async function listDeliveriesOf(db: Db, conversionIds: readonly Uuid[]): Promise<DeliveryRow[]> {
  const { rows } = await db.query<DeliveryRow>({
    text: `select ${COLUMNS} from ${FROM} where d.conversion_id = any($1::uuid[]) order by d.id desc limit ${TRACED_MAX}`,
    values: [conversionIds],
  })
  return rows
}

export type AttemptRow = {
  id: Uuid
  started_at: Date
  verdict: string
  http_status: number | null
  error: string | null
  timings_ms: Record<string, number | null> | null
  remote_ip: string | null
  destination_version: number
  replay_id: Uuid | null
  late: boolean
  request: { method: string; url: string; headers: Record<string, string>; body: string | null } | null
  response: {
    status: number
    headers: Record<string, string>
    body: string | null
    truncated?: boolean
  } | null
}

/** In the order in which they were made; request and response only while bodies are kept. */
export async function listAttempts(db: Db, deliveryId: Uuid): Promise<AttemptRow[]> {
  const { rows } = await db.query<AttemptRow>({
    name: 'list_attempts',
    text: `select a.id, a.started_at, a.verdict, a.http_status, a.error, a.timings_ms, a.remote_ip, a.destination_version,
        a.replay_id, a.late, b.request, b.response
      from attempts a left join attempt_bodies b on b.id = a.id
      where a.delivery_id = $1 order by a.id`,
    values: [deliveryId],
  })
  return rows
}

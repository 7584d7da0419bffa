import type { Db } from '../db/database.ts'
import type { PageRequest } from '../http/pagination.ts'
import type { Uuid } from '../kit/ids.ts'
import type { Decimal } from '../kit/money.ts'
import type { ShownState } from './delivery-states.ts'
import { type DeliveryFilter, findIds } from './find-ids-store.ts'
import { HELD_JOINS, HELD_REASON } from './held.ts'

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

const COLUMNS = `d.id, case when ${HELD_REASON} is not null then 'held' else d.state end as state,
    coalesce(${HELD_REASON}, d.reason) as reason, d.conversion_id, d.revision,
    coalesce(d.test_facts->>'event', c.event) as event, d.status, d.advertiser_id, d.offer_id,
    d.affiliate_id, d.destination_id, coalesce(d.test_facts->>'click_id', c.click_id) as click_id,
    coalesce(d.test_facts->>'affiliate_click_id', c.affiliate_click_id) as affiliate_click_id,
    coalesce(d.test_facts->>'transaction_id', c.transaction_id) as transaction_id, d.payout, d.currency, d.attempts_count,
    case when hl.blocked_until > u.due_at then hl.blocked_until else u.due_at end as due_at,
    d.last_http_status, d.last_verdict, d.last_error, d.last_attempt_at, d.delivered_at, d.test, d.updated_at`

const JOINS = `left join conversions c on c.id = d.conversion_id
    left join due u on u.delivery_id = d.id and d.state = 'scheduled' ${HELD_JOINS}`

/**
 * At most limit + 1 deliveries, newest first. The ids are found first, by branches that each have an index of their own
 * for what they ask; only what is shown is joined.
 */
export async function listDeliveries(
  db: Db,
  page: PageRequest,
  filter: DeliveryFilter,
): Promise<DeliveryRow[]> {
  const { text, values } = await findIds(db, page, filter)
  const { rows } = await db.query<DeliveryRow>({
    text: `select ${COLUMNS} from (${text}) f join deliveries d on d.id = f.id ${JOINS} order by d.id desc`,
    values,
  })
  return rows
}

export async function findDelivery(db: Db, id: Uuid): Promise<DeliveryRow | null> {
  const { rows } = await db.query<DeliveryRow>({
    name: 'find_delivery',
    text: `select ${COLUMNS} from deliveries d ${JOINS} where d.id = $1`,
    values: [id],
  })
  return rows[0] ?? null
}

const TRACED_MAX = 200

/** Deliveries of some conversions, newest first, for a trace. */
export async function listDeliveriesOf(db: Db, conversionIds: readonly Uuid[]): Promise<DeliveryRow[]> {
  const { rows } = await db.query<DeliveryRow>({
    text: `select ${COLUMNS} from deliveries d ${JOINS} where d.conversion_id = any($1::uuid[]) order by d.id desc limit ${TRACED_MAX}`,
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

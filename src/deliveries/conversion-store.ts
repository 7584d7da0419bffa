import type { ConversionStatus } from '../catalogue/catalogue.ts'
import { addIdRange, type Conditions, createConditions } from '../db/conditions.ts'
import type { Db } from '../db/database.ts'
import type { PageRequest } from '../http/pagination.ts'
import { lowestUuid, type Uuid } from '../kit/ids.ts'
import type { Decimal } from '../kit/money.ts'
import type { Fanout } from './conversion-schema.ts'
import type { ShownState } from './delivery-states.ts'
import { HELD_JOINS, HELD_REASON } from './held.ts'
import { type IdSearch, SEARCHED_ROWS_MAX } from './id-search.ts'

export type ConversionRow = {
  id: Uuid
  advertiser_id: Uuid
  offer_id: Uuid | null
  affiliate_id: Uuid | null
  transaction_id: string | null
  event: string
  click_id: string | null
  affiliate_click_id: string | null
  attributed_by: string | null
  status: ConversionStatus
  payout: Decimal | null
  currency: string | null
  sale_amount: Decimal | null
  reported: Record<string, unknown>
  revision: number
  fanout: Fanout
  note: string | null
  subs: (string | null)[]
  params: Record<string, string>
  clicked_at: Date | null
  occurred_at: Date
  created_at: Date
  updated_at: Date
}

export type ConversionFilter = {
  advertiserId: Uuid | null
  affiliateId: Uuid | null
  offerId: Uuid | null
  status: ConversionStatus | null
  clickId: string | null
  transactionId: string | null
  search: IdSearch | null
}

const SELECT = `select c.id, c.advertiser_id, c.offer_id, c.affiliate_id, c.transaction_id, c.event, c.click_id,
    c.affiliate_click_id, c.attributed_by, c.status, c.payout, c.currency, c.sale_amount, c.reported, c.revision,
    case when w.conversion_id is null then 'done' when w.due_at = 'infinity' then 'unattributed'
      when w.reason = 'unknown_click' then 'parked' else 'waiting' end as fanout,
    c.note, c.subs, c.params, c.clicked_at, c.occurred_at, c.created_at, c.updated_at
  from conversions c left join unsettled w on w.conversion_id = c.id`

/** At most limit + 1 conversions, newest first. */
export async function listConversions(
  db: Db,
  page: PageRequest,
  filter: ConversionFilter,
): Promise<ConversionRow[]> {
  const where = createConditions()
  addIdRange(where, 'c.id', page)
  if (filter.advertiserId !== null) where.add('c.advertiser_id = ?', filter.advertiserId)
  if (filter.affiliateId !== null) where.add('c.affiliate_id = ?', filter.affiliateId)
  if (filter.offerId !== null) where.add('c.offer_id = ?', filter.offerId)
  if (filter.status !== null) where.add('c.status = ?', filter.status)
  if (filter.clickId !== null) where.add('c.click_id = ?', filter.clickId)
  if (filter.transactionId !== null) where.add('c.transaction_id = ?', filter.transactionId)
  if (filter.search !== null) addSearch(where, filter.search, page)
  const { rows } = await db.query<ConversionRow>({
    text: `${SELECT} where ${where.sql} order by c.id desc limit ${where.bind(page.limit + 1)}`,
    values: where.values,
  })
  return rows
}

/** Each column that has text ids is asked by its own index; of a prefix that fits more than 1,000 rows the newest are found. */
function addSearch(where: Conditions, search: IdSearch, page: PageRequest): void {
  if (search.kind === 'range') {
    where.add('c.id between ? and ?', search.from, search.to)
    return
  }
  const pattern = where.bind(search.likePattern)
  const bounds = [page.before, page.to && lowestUuid(page.to.getTime())].filter((bound) => bound !== null)
  const bound = bounds.map((one) => `and id < ${where.bind(one)}`).join(' ')
  const newest = (column: string): string =>
    `(select id from conversions where ${column} like ${pattern} ${bound} order by id desc limit ${SEARCHED_ROWS_MAX})`
  where.add(
    `c.id = any(array(${newest('click_id')} union ${newest('affiliate_click_id')} union ${newest('transaction_id')}))`,
  )
}

export async function findConversion(db: Db, id: Uuid): Promise<ConversionRow | null> {
  const { rows } = await db.query<ConversionRow>({
    name: 'find_conversion',
    text: `${SELECT} where c.id = $1`,
    values: [id],
  })
  return rows[0] ?? null
}

/** Newest first. */
export async function listConversionsByIds(db: Db, ids: readonly Uuid[]): Promise<ConversionRow[]> {
  const { rows } = await db.query<ConversionRow>({
    text: `${SELECT} where c.id = any($1::uuid[]) order by c.id desc`,
    values: [ids],
  })
  return rows
}

export type RevisionRow = {
  id: Uuid
  revision: number
  status: ConversionStatus
  previous_status: string | null
  payout: Decimal | null
  currency: string | null
  sale_amount: Decimal | null
  reported: Record<string, unknown>
  occurred_at: Date
  inbound_call_id: Uuid | null
  fanned_out: boolean
  note: string | null
  created_at: Date
}

export async function listRevisions(db: Db, conversionId: Uuid): Promise<RevisionRow[]> {
  const { rows } = await db.query<RevisionRow>({
    name: 'list_revisions_to_show',
    text: `select id, revision, status, previous_status, payout, currency, sale_amount, reported, occurred_at, inbound_call_id,
        fanout_count is not null as fanned_out, note, created_at
      from revisions where conversion_id = $1 order by revision`,
    values: [conversionId],
  })
  return rows
}

export type DecisionRow = {
  id: Uuid
  revision: number
  destination_id: Uuid
  state: ShownState
  reason: string | null
}

/** What was decided for each destination, tests left out. */
export async function listDecisions(db: Db, conversionId: Uuid): Promise<DecisionRow[]> {
  const { rows } = await db.query<DecisionRow>({
    name: 'list_decisions',
    text: `select d.id, d.revision, d.destination_id,
        case when ${HELD_REASON} is not null then 'held' else d.state end as state, coalesce(${HELD_REASON}, d.reason) as reason
      from deliveries d left join due u on u.delivery_id = d.id and d.state = 'scheduled' ${HELD_JOINS}
      where d.conversion_id = $1 and not d.test order by d.revision, d.id`,
    values: [conversionId],
  })
  return rows
}

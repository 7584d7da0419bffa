import { column } from '../db/columns.ts'
import type { Tx } from '../db/database.ts'
import { type EarlierDelivery, meansItHadIt } from '../fanout/rules.ts'
import type { Uuid } from '../kit/ids.ts'
import type { Attribution, Conversion, Reported, Revision } from './conversion.ts'
import type { Forgotten, StoredConversion } from './plan-revisions.ts'

type ConversionRow = {
  id: Uuid
  advertiser_id: Uuid
  by_click: boolean
  transaction_id: string | null
  event: string
  click_id: string | null
  attributed_by: Attribution['attributedBy'] | null
  affiliate_id: Uuid | null
  offer_id: Uuid | null
  affiliate_click_id: string | null
  subs: (string | null)[]
  click_params: Record<string, string>
  params: Record<string, string>
  ip: string | null
  user_agent: string | null
  country: string | null
  clicked_at: Date | null
  occurred_at: Date
  status: Conversion['status']
  reported: Reported
  payout: string | null
  currency: string | null
  sale_amount: string | null
  revision: number
  note: string | null
}

type RevisionRow = {
  id: Uuid
  conversion_id: Uuid
  revision: number
  status: Revision['status']
  previous_status: Revision['previousStatus']
  payout: string | null
  currency: string | null
  sale_amount: string | null
  reported: Reported
  occurred_at: Date
  note: string | null
  fanned: boolean
}

type DeliveryRow = {
  id: Uuid
  conversion_id: Uuid
  destination_id: Uuid
  revision: number
  status: EarlierDelivery['status']
  payout: string | null
  currency: string | null
  state: string
  reason: string | null
  delivered_before: boolean
}

/**
 * Everything the next revision of these conversions depends on. The keys must be locked. Locks the conversions'
 * deliveries, then their rows in `due`, so that what is read as waiting can't start to travel.
 */
export async function loadStored(
  tx: Tx,
  conversionIds: readonly Uuid[],
): Promise<Map<Uuid, StoredConversion>> {
  const [conversions, revisions, deliveries] = await Promise.all([
    listConversions(tx, conversionIds),
    listRevisions(tx, conversionIds),
    lockDeliveries(tx, conversionIds),
  ])
  const waiting = await lockWaiting(
    tx,
    deliveries.filter((row) => row.state === 'scheduled').map((row) => row.id),
  )
  return new Map(
    conversions.map((row) => {
      const own = revisions.filter((revision) => revision.conversion_id === row.id)
      return [
        row.id,
        {
          conversion: toConversion(row),
          forgotten: own.some(({ revision }) => revision === row.revision) ? null : toForgotten(row),
          revisions: own.map(toRevision),
          deliveries: deliveries
            .filter((delivery) => delivery.conversion_id === row.id)
            .map((delivery) => toEarlierDelivery(delivery, waiting, own)),
        },
      ]
    }),
  )
}

/** Whose the other events of a transaction are. */
export type Sibling = Pick<Conversion, 'attribution' | 'clickId'>

/** The oldest stored conversion of each transaction id that somebody earns, else the oldest, whatever its event; by `siblingKey`. Without locks. */
export async function findSiblings(
  tx: Tx,
  of: readonly { advertiserId: Uuid; transactionId: string }[],
): Promise<Map<string, Sibling>> {
  const { rows } = await tx.query<ConversionRow & { transaction: string }>({
    name: 'find_siblings',
    text: `select i.t as transaction, s.* from unnest($1::uuid[], $2::text[]) i(a, t) cross join lateral (
        select c.* from conversion_keys k join conversions c on c.id = k.conversion_id
        where k.advertiser_id = i.a and not k.by_click and k.identity = i.t
        order by c.attributed_by is null, k.conversion_id limit 1) s`,
    values: [column(of, (one) => one.advertiserId), column(of, (one) => one.transactionId)],
  })
  return new Map(
    rows.map((row) => [
      siblingKey(row.advertiser_id, row.transaction),
      { attribution: toAttribution(row), clickId: row.click_id },
    ]),
  )
}

export const siblingKey = (advertiserId: Uuid, transactionId: string): string =>
  `${advertiserId} ${transactionId}`

/** When the calls came whose reprocessing made revisions of these conversions; by the id of the revision. */
export async function findReceivedAt(tx: Tx, conversionIds: readonly Uuid[]): Promise<Map<Uuid, Date>> {
  const { rows } = await tx.query<{ id: Uuid; received_at: Date }>({
    name: 'find_received_at',
    text: `select r.id, o.created_at as received_at from revisions r
      join inbound_calls i on i.id = r.inbound_call_id join inbound_calls o on o.id = i.reprocessed_from
      where r.conversion_id = any($1::uuid[])`,
    values: [conversionIds],
  })
  return new Map(rows.map((row) => [row.id, row.received_at]))
}

const toForgotten = (row: ConversionRow): Forgotten | null =>
  row.attributed_by === null
    ? null
    : {
        revision: row.revision,
        status: row.status,
        payout: row.payout,
        currency: row.currency,
        saleAmount: row.sale_amount,
      }

async function listConversions(tx: Tx, ids: readonly Uuid[]): Promise<ConversionRow[]> {
  const { rows } = await tx.query<ConversionRow>({
    name: 'list_conversions_to_change',
    text: `select id, advertiser_id, by_click, transaction_id, event, click_id, attributed_by, affiliate_id, offer_id, affiliate_click_id,
        subs, click_params, params, ip, user_agent, country, clicked_at, occurred_at, status, reported, payout, currency, sale_amount, revision, note
      from conversions where id = any($1::uuid[])`,
    values: [ids],
  })
  return rows
}

async function listRevisions(tx: Tx, conversionIds: readonly Uuid[]): Promise<RevisionRow[]> {
  const { rows } = await tx.query<RevisionRow>({
    name: 'list_revisions',
    text: `select id, conversion_id, revision, status, previous_status, payout, currency, sale_amount, reported, occurred_at, note,
        fanout_count is not null as fanned
      from revisions where conversion_id = any($1::uuid[]) order by revision`,
    values: [conversionIds],
  })
  return rows
}

async function lockDeliveries(tx: Tx, conversionIds: readonly Uuid[]): Promise<DeliveryRow[]> {
  const { rows } = await tx.query<DeliveryRow>({
    name: 'lock_deliveries',
    text: `select id, conversion_id, destination_id, revision, status, payout, currency, state, reason, delivered_at is not null as delivered_before from deliveries
      where conversion_id = any($1::uuid[]) and not test order by id for update`,
    values: [conversionIds],
  })
  return rows
}

/** Those of the scheduled deliveries that wait in `due`; the others travel. */
async function lockWaiting(tx: Tx, deliveryIds: readonly Uuid[]): Promise<Set<Uuid>> {
  if (deliveryIds.length === 0) return new Set()
  const { rows } = await tx.query<{ delivery_id: Uuid }>({
    name: 'lock_waiting',
    text: 'select delivery_id from due where delivery_id = any($1::uuid[]) order by delivery_id for update',
    values: [deliveryIds],
  })
  return new Set(rows.map((row) => row.delivery_id))
}

const toConversion = (row: ConversionRow): Conversion => ({
  id: row.id,
  advertiserId: row.advertiser_id,
  byClick: row.by_click,
  transactionId: row.transaction_id,
  event: row.event,
  clickId: row.click_id,
  attribution: toAttribution(row),
  params: row.params,
  occurredAt: row.occurred_at,
  status: row.status,
  reported: row.reported,
  payout: row.payout,
  currency: row.currency,
  saleAmount: row.sale_amount,
  revision: row.revision,
  note: row.note,
})

function toAttribution(row: ConversionRow): Attribution | null {
  if (row.attributed_by === null || row.affiliate_id === null || row.offer_id === null) return null
  return {
    attributedBy: row.attributed_by,
    affiliateId: row.affiliate_id,
    offerId: row.offer_id,
    affiliateClickId: row.affiliate_click_id,
    subs: row.subs,
    clickParams: row.click_params,
    ip: row.ip,
    userAgent: row.user_agent,
    country: row.country,
    clickedAt: row.clicked_at,
  }
}

const toRevision = (row: RevisionRow): StoredConversion['revisions'][number] => ({
  id: row.id,
  revision: row.revision,
  status: row.status,
  previousStatus: row.previous_status,
  payout: row.payout,
  currency: row.currency,
  saleAmount: row.sale_amount,
  reported: row.reported,
  occurredAt: row.occurred_at,
  note: row.note,
  fanned: row.fanned,
})

function toEarlierDelivery(
  row: DeliveryRow,
  waiting: ReadonlySet<Uuid>,
  revisions: readonly RevisionRow[],
): EarlierDelivery {
  const place = row.state !== 'scheduled' ? 'ended' : waiting.has(row.id) ? 'waiting' : 'travelling'
  return {
    id: row.id,
    destinationId: row.destination_id,
    revision: row.revision,
    status: row.status,
    payout: row.payout,
    currency: row.currency,
    saleAmount: revisions.find((revision) => revision.revision === row.revision)?.sale_amount ?? null,
    place,
    heard: row.delivered_before || place === 'travelling',
    hadIt: row.state === 'skipped' && meansItHadIt(row.reason),
  }
}

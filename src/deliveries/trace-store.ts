import type { Db } from '../db/database.ts'
import type { StoredCall } from '../intake/inbound-store.ts'
import type { Uuid } from '../kit/ids.ts'

const ROWS_MAX = 50

/** By the indexes there are: an affiliate destination by destination, an advertiser offer by offer. */
const OWNED = {
  destination: { from: '(select $1::uuid as id) p', column: 'destination_id' },
  offer: { from: '(select $1::uuid as id) p', column: 'offer_id' },
  affiliate: { from: '(select id from destinations where affiliate_id = $1) p', column: 'destination_id' },
  advertiser: { from: '(select id from offers where advertiser_id = $1) p', column: 'offer_id' },
} as const

/** Conversions that a text names: click id, transaction id or affiliate click id, whole. Newest first. */
export async function listConversionsNamed(db: Db, text: string): Promise<Uuid[]> {
  const { rows } = await db.query<{ id: Uuid }>({
    text: `select id from conversions where click_id = $1 union select id from conversions where transaction_id = $1
      union select id from conversions where affiliate_click_id = $1 order by id desc limit ${ROWS_MAX}`,
    values: [text],
  })
  return rows.map((row) => row.id)
}

/** Conversions that came to one destination, offer, affiliate or advertiser last. */
export async function listConversionsOf(db: Db, noun: keyof typeof OWNED, id: Uuid): Promise<Uuid[]> {
  const { from, column } = OWNED[noun]
  const { rows } = await db.query<{ conversion_id: Uuid }>({
    text: `select x.conversion_id from ${from} cross join lateral (
        select d.id, d.conversion_id from deliveries d where d.${column} = p.id order by d.id desc limit ${ROWS_MAX}) x
      order by x.id desc limit ${ROWS_MAX}`,
    values: [id],
  })
  return [...new Set(rows.map((row) => row.conversion_id))]
}

export async function findConversionOfDelivery(db: Db, deliveryId: Uuid): Promise<Uuid | null> {
  const { rows } = await db.query<{ conversion_id: Uuid }>({
    text: 'select conversion_id from deliveries where id = $1',
    values: [deliveryId],
  })
  return rows[0]?.conversion_id ?? null
}

export async function findDeliveryOfReplay(db: Db, replayId: Uuid): Promise<Uuid | null> {
  const { rows } = await db.query<{ delivery_id: Uuid | null }>({
    text: 'select delivery_id from replays where id = $1',
    values: [replayId],
  })
  return rows[0]?.delivery_id ?? null
}

export type ClickRow = {
  id: Uuid
  click_id: string
  affiliate_id: Uuid
  offer_id: Uuid
  affiliate_click_id: string | null
  clicked_at: Date
  created_at: Date
}

/** Clicks with one of these click ids, with this affiliate click id, or with this id of ours. Newest first. */
export async function listClicks(
  db: Db,
  by: { clickIds: readonly string[]; affiliateClickId: string; id: Uuid | null },
): Promise<ClickRow[]> {
  const { rows } = await db.query<ClickRow>({
    text: `select id, click_id, affiliate_id, offer_id, affiliate_click_id, clicked_at, created_at from clicks
        where id in (select id from click_keys where click_id = any($1::text[]))
      union
      select id, click_id, affiliate_id, offer_id, affiliate_click_id, clicked_at, created_at from clicks
        where affiliate_click_id = $2
      union
      select id, click_id, affiliate_id, offer_id, affiliate_click_id, clicked_at, created_at from clicks where id = $3
      order by id desc limit ${ROWS_MAX}`,
    values: [by.clickIds, by.affiliateClickId, by.id],
  })
  return rows
}

/** Calls that led to these conversions, refused ones with these click or transaction ids, and the one with this id. */
export async function listCalls(
  db: Db,
  by: { conversionIds: readonly Uuid[]; texts: readonly string[]; id: Uuid | null },
): Promise<StoredCall[]> {
  const columns = `id, advertiser_id as "advertiserId", result, code, message, field, http_status as "httpStatus",
    conversion_id as "conversionId", revision, click_id as "clickId", transaction_id as "transactionId", event, source,
    remote_ip as "remoteIp", reprocessed_from as "reprocessedFrom", reprocessed_at as "reprocessedAt",
    created_at as "createdAt"`
  const { rows } = await db.query<StoredCall>({
    text: `select ${columns} from inbound_calls where conversion_id = any($1::uuid[])
      union select ${columns} from inbound_calls where result = 'quarantined' and click_id = any($2::text[])
      union select ${columns} from inbound_calls where result = 'quarantined' and transaction_id = any($2::text[])
      union select ${columns} from inbound_calls where id = $3
      order by id desc limit ${ROWS_MAX}`,
    values: [by.conversionIds, by.texts, by.id],
  })
  return rows
}

export type LastCallRow = {
  delivery_id: Uuid
  answer: string | null
  first_attempt_at: Date
}

/** Of each delivery: when its attempts began, and the beginning of the last answer's body. */
export async function listLastAnswers(db: Db, deliveryIds: readonly Uuid[]): Promise<LastCallRow[]> {
  const { rows } = await db.query<LastCallRow>({
    text: `select x.id as delivery_id, last.answer, first.started_at as first_attempt_at
      from unnest($1::uuid[]) x(id)
      cross join lateral (select a.started_at from attempts a where a.delivery_id = x.id order by a.id limit 1) first
      cross join lateral (
        select left(b.response ->> 'body', 300) as answer
        from attempts a left join attempt_bodies b on b.id = a.id
        where a.delivery_id = x.id order by a.id desc limit 1) last`,
    values: [deliveryIds],
  })
  return rows
}

import { column } from '../db/columns.ts'
import type { Db, Tx } from '../db/database.ts'
import type { Uuid } from '../kit/ids.ts'
import type { Click } from './attribution.ts'
import type { Identity, KeySearch, KnownKey } from './identity.ts'
import type { RecentReport } from './merge.ts'

type KeyRow = {
  advertiser_id: Uuid
  by_click: boolean
  identity: string
  event: string
  conversion_id: Uuid
  click_id: string | null
}

const toKnownKey = (row: KeyRow): KnownKey => ({
  advertiserId: row.advertiser_id,
  byClick: row.by_click,
  identity: row.identity,
  event: row.event,
  conversionId: row.conversion_id,
  clickId: row.click_id,
})

/** A click id that is the same for all (`test`) may have any number of conversions; to know of several is enough. */
const KEYS_MAX = 100

/**
 * Keys by transaction id (or what stands for the click), and keys by click id, for reports that don't name their
 * conversion: at most 100 of each.
 */
export async function findKnownKeys(db: Db, by: readonly KeySearch[]): Promise<KnownKey[]> {
  const { rows } = await db.query<KeyRow>({
    name: 'find_known_keys',
    text: `select k.* from unnest($1::uuid[], $2::boolean[], $3::text[], $5::text[]) i(a, b, t, e) cross join lateral (
        select k.advertiser_id, k.by_click, k.identity, k.event, k.conversion_id, k.click_id from conversion_keys k
        where k.advertiser_id = i.a and k.by_click = i.b and k.identity = i.t and (i.e is null or k.event = i.e) limit ${KEYS_MAX}) k
      where i.t is not null
      union
      select k.* from unnest($1::uuid[], $4::text[], $5::text[]) i(a, c, e) cross join lateral (
        select k.advertiser_id, k.by_click, k.identity, k.event, k.conversion_id, k.click_id from conversion_keys k
        where k.advertiser_id = i.a and k.click_id = i.c and (i.e is null or k.event = i.e) limit ${KEYS_MAX}) k
      where i.c is not null`,
    values: [
      column(by, (one) => one.advertiserId),
      column(by, (one) => one.byClick),
      column(by, (one) => one.identity),
      column(by, (one) => one.clickId),
      column(by, (one) => one.event),
    ],
  })
  return rows.map(toKnownKey)
}

export type ProposedKey = Identity & { conversionId: Uuid; clickId: string | null; recent: RecentReport[] }

export type LockedKey = Identity & { conversionId: Uuid; recent: RecentReport[] }

export type LockedKeys = { keys: LockedKey[]; catalogueVersion: number; postgresNowMs: number }

/**
 * Locks the keys of a flush, inserting those that are new with the proposed conversion id, and reads them.
 * One upsert that always returns: a select after `do nothing` would miss rows committed after its snapshot.
 * In key order: unsorted, four flushers deadlocked in 140 of 240 flushes.
 */
export async function lockKeys(tx: Tx, proposed: readonly ProposedKey[]): Promise<LockedKeys> {
  const { rows } = await tx.query<KeyRow & { recent: RecentReport[]; catalogue: string; now_ms: string }>({
    name: 'lock_keys',
    text: `insert into conversion_keys as k (advertiser_id, by_click, identity, event, conversion_id, click_id, revision, recent)
      select a, b, i, e, c, cl, 1, r::jsonb
      from unnest($1::uuid[], $2::boolean[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::text[]) p(a, b, i, e, c, cl, r)
      order by a, b, i, e
      on conflict (advertiser_id, by_click, identity, event) do update set revision = k.revision
      returning k.advertiser_id, k.by_click, k.identity, k.event, k.conversion_id, k.click_id, k.recent,
        (select n from catalogue_version) as catalogue, (extract(epoch from clock_timestamp()) * 1000)::bigint as now_ms`,
    values: [
      column(proposed, (key) => key.advertiserId),
      column(proposed, (key) => key.byClick),
      column(proposed, (key) => key.identity),
      column(proposed, (key) => key.event),
      column(proposed, (key) => key.conversionId),
      column(proposed, (key) => key.clickId),
      column(proposed, (key) => JSON.stringify(key.recent)),
    ],
  })
  return {
    keys: rows.map((row) => ({ ...toKnownKey(row), recent: row.recent })),
    catalogueVersion: Number(rows[0]?.catalogue ?? 0),
    postgresNowMs: Number(rows[0]?.now_ms ?? 0),
  }
}

/** Locks the keys of stored conversions, in key order; the first lock of every transaction that changes them. */
export async function lockConversions(tx: Tx, conversionIds: readonly Uuid[]): Promise<number> {
  const { rows } = await tx.query<{ catalogue: string }>({
    name: 'lock_conversions',
    text: `select (select n from catalogue_version) as catalogue from conversion_keys
      where conversion_id = any($1::uuid[]) order by advertiser_id, by_click, identity, event for update`,
    values: [conversionIds],
  })
  return Number(rows[0]?.catalogue ?? 0)
}

export async function deleteKeys(tx: Tx, conversionIds: readonly Uuid[]): Promise<void> {
  await tx.query({
    name: 'delete_keys',
    text: 'delete from conversion_keys where conversion_id = any($1::uuid[])',
    values: [conversionIds],
  })
}

type ClickRow = {
  click_id: string
  affiliate_id: Uuid
  offer_id: Uuid
  affiliate_click_id: string | null
  subs: (string | null)[]
  params: Record<string, string>
  ip: string | null
  user_agent: string | null
  country: string | null
  clicked_at: Date
}

/** The stored clicks among these ids; two index look-ups each, the second in one partition. */
export async function findClicks(db: Db, clickIds: readonly string[]): Promise<Map<string, Click>> {
  const { rows } = await db.query<ClickRow>({
    name: 'find_clicks',
    text: `select c.click_id, c.affiliate_id, c.offer_id, c.affiliate_click_id, c.subs, c.params, c.ip, c.user_agent, c.country, c.clicked_at
      from unnest($1::text[]) i(click_id) join click_keys k on k.click_id = i.click_id join clicks c on c.id = k.id`,
    values: [clickIds],
  })
  return new Map(rows.map((row) => [row.click_id, toClick(row)]))
}

const toClick = (row: ClickRow): Click => ({
  clickId: row.click_id,
  affiliateId: row.affiliate_id,
  offerId: row.offer_id,
  affiliateClickId: row.affiliate_click_id,
  subs: row.subs,
  params: row.params,
  ip: row.ip,
  userAgent: row.user_agent,
  country: row.country,
  clickedAt: row.clicked_at,
})

/** The live batches that these deliveries travel in. */
export async function findBatchesOf(tx: Tx, deliveryIds: readonly Uuid[]): Promise<Map<Uuid, Uuid>> {
  const { rows } = await tx.query<{ delivery_id: Uuid; batch_id: Uuid }>({
    name: 'find_batches_of',
    text: `select d.id as delivery_id, b.id as batch_id from batches b cross join unnest(b.deliveries) d(id)
      where b.deliveries && $1::uuid[] and d.id = any($1::uuid[])`,
    values: [deliveryIds],
  })
  return new Map(rows.map((row) => [row.delivery_id, row.batch_id]))
}

export async function isInboundCallStored(db: Db, id: Uuid): Promise<boolean> {
  const { rows } = await db.query({
    name: 'is_inbound_call_stored',
    text: 'select 1 from inbound_calls where id = $1',
    values: [id],
  })
  return rows.length > 0
}

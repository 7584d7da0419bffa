import type { Preset } from '../../config/presets/preset.ts'
import type { Db, Tx } from '../db/database.ts'
import type { Uuid } from '../kit/ids.ts'
import type { AdvertiserRow, AffiliateRow, DestinationRow, OfferRow } from './rows.ts'

/** The version that is committed, or that this transaction made. */
export async function findCatalogueVersion(db: Db): Promise<number> {
  const { rows } = await db.query<{ n: string }>({
    name: 'catalogue-version',
    text: 'select n from catalogue_version',
  })
  return Number(rows[0]?.n ?? 0)
}

/** Locks the version row until the end of the transaction, so control writes become visible in the order of their versions. */
export async function nextCatalogueVersion(tx: Tx): Promise<number> {
  const { rows } = await tx.query<{ n: string }>({
    name: 'next-catalogue-version',
    text: 'update catalogue_version set n = n + 1 returning n',
  })
  return Number(rows[0]?.n)
}

export async function listAdvertisersChangedAfter(tx: Tx, version: number): Promise<AdvertiserRow[]> {
  const { rows } = await tx.query<AdvertiserRow>({
    name: 'advertisers-changed',
    text: `select id, external_id, name, param_map, status_map, timezone, ip_allowlist, signing_secret, rate_limit, answer,
        encode(token_hash, 'hex') as token_hash, encode(previous_token_hash, 'hex') as previous_token_hash,
        previous_token_until, archived_at is not null as archived
      from advertisers where changed_in > $1`,
    values: [version],
  })
  return rows
}

export async function listOffersChangedAfter(tx: Tx, version: number): Promise<OfferRow[]> {
  const { rows } = await tx.query<OfferRow>({
    name: 'offers-changed',
    text: `select id, external_id, advertiser_id, name, landing_url, payout, overrides, attribution_window_days,
        default_status, events, shared, state, archived_at is not null as archived
      from offers where changed_in > $1`,
    values: [version],
  })
  return rows
}

export async function listAffiliatesChangedAfter(tx: Tx, version: number): Promise<AffiliateRow[]> {
  const { rows } = await tx.query<AffiliateRow>({
    name: 'affiliates-changed',
    text: `select id, external_id, name, click_id_from, state, archived_at is not null as archived
      from affiliates where changed_in > $1`,
    values: [version],
  })
  return rows
}

export async function listDestinationsChangedAfter(tx: Tx, version: number): Promise<DestinationRow[]> {
  const { rows } = await tx.query<DestinationRow>({
    name: 'destinations-changed',
    text: `select d.id, d.external_id, d.affiliate_id, d.state, d.version, d.archived_at is not null as archived,
        v.definition
      from destinations d join destination_versions v on v.destination_id = d.id and v.version = d.version
      where d.changed_in > $1`,
    values: [version],
  })
  return rows
}

export async function listPresetsChangedAfter(tx: Tx, version: number): Promise<Preset[]> {
  const { rows } = await tx.query<{ definition: Preset }>({
    name: 'presets-changed',
    text: 'select definition from presets where changed_in > $1',
    values: [version],
  })
  return rows.map((row) => row.definition)
}

export type CatalogueTable = 'advertisers' | 'offers' | 'affiliates' | 'destinations'

/** Sets or clears archived_at; a second archive keeps the first time. False: there is no such row. */
export async function updateArchived(
  tx: Tx,
  row: { table: CatalogueTable; id: Uuid; archived: boolean; version: number },
): Promise<boolean> {
  const archivedAt = row.archived ? 'coalesce(archived_at, now())' : 'null'
  const { rowCount } = await tx.query({
    text: `update ${row.table} set archived_at = ${archivedAt}, changed_in = $2, updated_at = now() where id = $1`,
    values: [row.id, row.version],
  })
  return rowCount === 1
}

/** Whether it is archived, which it stays until the end of the transaction. */
export async function lockArchived(tx: Tx, table: CatalogueTable, id: Uuid): Promise<boolean> {
  const { rowCount } = await tx.query({
    text: `select from ${table} where id = $1 and archived_at is not null for share`,
    values: [id],
  })
  return rowCount === 1
}

import type { ConversionStatus, PayoutOverride, PayoutRule } from '../catalogue/catalogue.ts'
import { type CataloguePage, pageClause, pageValues } from '../catalogue/list-rows.ts'
import type { Db, Tx } from '../db/database.ts'
import type { Uuid } from '../kit/ids.ts'

export type OfferFields = {
  external_id: string | null
  name: string
  landing_url: string | null
  payout: PayoutRule
  overrides: PayoutOverride[]
  attribution_window_days: number
  default_status: ConversionStatus
  events: string[]
  shared: string[]
  state: 'active' | 'paused'
}

export type OfferRow = OfferFields & {
  id: Uuid
  advertiser_id: Uuid
  archived_at: Date | null
  created_at: Date
  updated_at: Date
}

const COLUMNS = `t.id, t.external_id, t.advertiser_id, t.name, t.landing_url, t.payout, t.overrides,
  t.attribution_window_days, t.default_status, t.events, t.shared, t.state, t.archived_at, t.created_at, t.updated_at`

export async function findOffer(db: Db, id: Uuid): Promise<OfferRow | null> {
  const { rows } = await db.query<OfferRow>({
    text: `select ${COLUMNS} from offers t where t.id = $1`,
    values: [id],
  })
  return rows[0] ?? null
}

export async function listOffers(
  db: Db,
  page: CataloguePage & { advertiserId: Uuid | null },
): Promise<OfferRow[]> {
  const { rows } = await db.query<OfferRow>({
    text: `select ${COLUMNS} from offers t ${pageClause('and ($6::uuid is null or t.advertiser_id = $6)')}`,
    values: [...pageValues(page), page.advertiserId],
  })
  return rows
}

export async function insertOffer(
  tx: Tx,
  row: OfferFields & { id: Uuid; advertiser_id: Uuid; version: number },
): Promise<void> {
  await tx.query({
    text: `insert into offers (id, external_id, name, landing_url, payout, overrides, attribution_window_days,
        default_status, events, shared, state, changed_in, advertiser_id)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    values: [row.id, ...fieldValues(row), row.version, row.advertiser_id],
  })
}

export async function updateOffer(tx: Tx, row: OfferFields & { id: Uuid; version: number }): Promise<void> {
  await tx.query({
    text: `update offers set external_id = $2, name = $3, landing_url = $4, payout = $5, overrides = $6,
        attribution_window_days = $7, default_status = $8, events = $9, shared = $10, state = $11, changed_in = $12,
        updated_at = now()
      where id = $1`,
    values: [row.id, ...fieldValues(row), row.version],
  })
}

const fieldValues = (row: OfferFields): unknown[] => [
  row.external_id,
  row.name,
  row.landing_url,
  row.payout,
  // A bare array would be sent as a Postgres array.
  JSON.stringify(row.overrides),
  row.attribution_window_days,
  row.default_status,
  row.events,
  row.shared,
  row.state,
]

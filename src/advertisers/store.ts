import type { ConversionStatus } from '../catalogue/catalogue.ts'
import { type CataloguePage, pageClause, pageValues } from '../catalogue/list-rows.ts'
import type { Db, Tx } from '../db/database.ts'
import type { Uuid } from '../kit/ids.ts'

/** What can be set; signing_secret is sealed. */
export type AdvertiserFields = {
  external_id: string | null
  name: string
  param_map: Record<string, string>
  status_map: Record<string, ConversionStatus>
  timezone: string
  ip_allowlist: string[]
  signing_secret: string | null
  answer: { format?: 'json' | 'text'; always_200?: boolean }
}

export type AdvertiserRow = AdvertiserFields & {
  id: Uuid
  previous_token_until: Date | null
  archived_at: Date | null
  created_at: Date
  updated_at: Date
}

const COLUMNS = `t.id, t.external_id, t.name, t.param_map, t.status_map, t.timezone, t.ip_allowlist, t.signing_secret,
  t.answer, t.previous_token_until, t.archived_at, t.created_at, t.updated_at`

export async function findAdvertiser(db: Db, id: Uuid): Promise<AdvertiserRow | null> {
  const { rows } = await db.query<AdvertiserRow>({
    text: `select ${COLUMNS} from advertisers t where t.id = $1`,
    values: [id],
  })
  return rows[0] ?? null
}

export async function listAdvertisers(db: Db, page: CataloguePage): Promise<AdvertiserRow[]> {
  const { rows } = await db.query<AdvertiserRow>({
    text: `select ${COLUMNS} from advertisers t ${pageClause()}`,
    values: pageValues(page),
  })
  return rows
}

export async function insertAdvertiser(
  tx: Tx,
  row: AdvertiserFields & { id: Uuid; tokenHash: Buffer; version: number },
): Promise<void> {
  await tx.query({
    text: `insert into advertisers (id, external_id, name, param_map, status_map, timezone, ip_allowlist, signing_secret,
        answer, token_hash, changed_in)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    values: [row.id, ...fieldValues(row), row.tokenHash, row.version],
  })
}

export async function updateAdvertiser(
  tx: Tx,
  row: AdvertiserFields & { id: Uuid; version: number },
): Promise<void> {
  await tx.query({
    text: `update advertisers set external_id = $2, name = $3, param_map = $4, status_map = $5, timezone = $6,
        ip_allowlist = $7, signing_secret = $8, answer = $9, changed_in = $10, updated_at = now()
      where id = $1`,
    values: [row.id, ...fieldValues(row), row.version],
  })
}

const fieldValues = (row: AdvertiserFields): unknown[] => [
  row.external_id,
  row.name,
  row.param_map,
  row.status_map,
  row.timezone,
  row.ip_allowlist,
  row.signing_secret,
  row.answer,
]

/** The token until now goes on for overlapSeconds; with 0, and the one before it in any case, it ends at once. */
export async function updateAdvertiserToken(
  tx: Tx,
  row: { id: Uuid; tokenHash: Buffer; overlapSeconds: number; version: number },
): Promise<void> {
  await tx.query({
    text: `update advertisers set
        previous_token_hash = case when $3::int > 0 then token_hash end,
        previous_token_until = case when $3::int > 0 then now() + make_interval(secs => $3::int) end,
        token_hash = $2, changed_in = $4, updated_at = now()
      where id = $1`,
    values: [row.id, row.tokenHash, row.overlapSeconds, row.version],
  })
}

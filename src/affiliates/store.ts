import { type CataloguePage, pageClause, pageValues } from '../catalogue/list-rows.ts'
import type { Db, Tx } from '../db/database.ts'
import type { Uuid } from '../kit/ids.ts'

export type AffiliateFields = {
  external_id: string | null
  name: string
  email: string | null
  click_id_from: string
  state: 'active' | 'blocked'
}

export type AffiliateRow = AffiliateFields & {
  id: Uuid
  archived_at: Date | null
  created_at: Date
  updated_at: Date
}

const COLUMNS =
  't.id, t.external_id, t.name, t.email, t.click_id_from, t.state, t.archived_at, t.created_at, t.updated_at'

export async function findAffiliate(db: Db, id: Uuid): Promise<AffiliateRow | null> {
  const { rows } = await db.query<AffiliateRow>({
    text: `select ${COLUMNS} from affiliates t where t.id = $1`,
    values: [id],
  })
  return rows[0] ?? null
}

export async function listAffiliates(db: Db, page: CataloguePage): Promise<AffiliateRow[]> {
  const { rows } = await db.query<AffiliateRow>({
    text: `select ${COLUMNS} from affiliates t ${pageClause()}`,
    values: pageValues(page),
  })
  return rows
}

export async function insertAffiliate(
  tx: Tx,
  row: AffiliateFields & { id: Uuid; version: number },
): Promise<void> {
  await tx.query({
    text: `insert into affiliates (id, external_id, name, email, click_id_from, state, changed_in)
      values ($1, $2, $3, $4, $5, $6, $7)`,
    values: [row.id, row.external_id, row.name, row.email, row.click_id_from, row.state, row.version],
  })
}

export async function updateAffiliate(
  tx: Tx,
  row: AffiliateFields & { id: Uuid; version: number },
): Promise<void> {
  await tx.query({
    text: `update affiliates set external_id = $2, name = $3, email = $4, click_id_from = $5, state = $6, changed_in = $7,
        updated_at = now()
      where id = $1`,
    values: [row.id, row.external_id, row.name, row.email, row.click_id_from, row.state, row.version],
  })
}

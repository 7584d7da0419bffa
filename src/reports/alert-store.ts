import { addIdRange, createConditions } from '../db/conditions.ts'
import type { Db } from '../db/database.ts'
import type { PageRequest } from '../http/pagination.ts'
import type { Uuid } from '../kit/ids.ts'

export type AlertRow = {
  id: Uuid
  kind: string
  destination_id: Uuid | null
  opened_at: Date
  closed_at: Date | null
}

/** At most limit + 1 alerts, newest first; isOpen null: open and closed ones. */
export async function listAlerts(db: Db, page: PageRequest, isOpen: boolean | null): Promise<AlertRow[]> {
  const where = createConditions()
  addIdRange(where, 'id', page)
  if (isOpen !== null) where.add('(closed_at is null) = ?', isOpen)
  const { rows } = await db.query<AlertRow>({
    text: `select id, kind, destination_id, opened_at, closed_at from alerts
      where ${where.sql} order by id desc limit ${where.bind(page.limit + 1)}`,
    values: where.values,
  })
  return rows
}

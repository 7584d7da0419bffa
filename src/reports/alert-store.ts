import { createConditions } from '../db/conditions.ts'
import type { Db } from '../db/database.ts'
import type { PageRequest } from '../http/pagination.ts'
import { lowestUuid, type Uuid } from '../kit/ids.ts'

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
  if (page.before !== null) where.add('id < ?', page.before)
  if (page.from !== null) where.add('id >= ?', lowestUuid(page.from.getTime()))
  if (page.to !== null) where.add('id < ?', lowestUuid(page.to.getTime()))
  if (isOpen !== null) where.add('(closed_at is null) = ?', isOpen)
  const { rows } = await db.query<AlertRow>({
    text: `select id, kind, destination_id, opened_at, closed_at from alerts
      where ${where.sql} order by id desc limit ${where.bind(page.limit + 1)}`,
    values: where.values,
  })
  return rows
}

import type { Context } from '../context.ts'
import { readPageRequest, toPage } from '../http/pagination.ts'
import { encodeId } from '../kit/ids.ts'
import { type AlertRow, listAlerts } from './alert-store.ts'
import type { AlertQuery, AlertWire } from './schema.ts'

/** One page of what somebody should know of. Throws AppError for a cursor or a time that can not be read. */
export async function findAlerts(
  ctx: Pick<Context, 'db'>,
  query: AlertQuery,
): Promise<{ data: AlertWire[]; next_cursor: string | null }> {
  const page = readPageRequest(query)
  return toPage(await listAlerts(ctx.db.reads, page, query.open ?? null), page.limit, toWire)
}

const toWire = (row: AlertRow): AlertWire => ({
  id: encodeId('alert', row.id),
  kind: row.kind,
  destination_id: row.destination_id === null ? null : encodeId('destination', row.destination_id),
  opened_at: row.opened_at.toISOString(),
  closed_at: row.closed_at?.toISOString() ?? null,
})

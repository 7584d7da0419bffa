import { addIdRange, createConditions } from '../db/conditions.ts'
import type { Db } from '../db/database.ts'
import type { Uuid } from '../kit/ids.ts'
import type { Decimal } from '../kit/money.ts'

/** A rejected conversion that a tracker still counts. */
export type ReversalRow = {
  conversion_id: Uuid
  transaction_id: string | null
  click_id: string | null
  affiliate_click_id: string | null
  subs: (string | null)[]
  /** What the tracker was told first; repeats of a transaction change nothing there. */
  payout: Decimal
  currency: string | null
}

/**
 * At most `limit` conversions that are rejected now, whose rejection this destination could not be told in the span, and
 * of which it had heard an amount; oldest first.
 */
export async function listReversals(
  db: Db,
  query: { destinationId: Uuid; from: Date | null; to: Date | null; limit: number },
): Promise<ReversalRow[]> {
  const where = createConditions()
  where.add('d.destination_id = ?', query.destinationId)
  addIdRange(where, 'd.id', query)
  const { rows } = await db.query<ReversalRow>({
    text: `select c.id as conversion_id, c.transaction_id, c.click_id, c.affiliate_click_id, c.subs, heard.payout, heard.currency
      from (
        select d.conversion_id, d.destination_id, min(d.id::text) as first_id from deliveries d
        where ${where.sql} and d.state = 'skipped' and d.reason = 'tracker_cannot_reverse' and not d.test
        group by d.conversion_id, d.destination_id
      ) skipped
      join conversions c on c.id = skipped.conversion_id and c.status = 'rejected'
      cross join lateral (
        select h.payout, h.currency from deliveries h
        where h.conversion_id = c.id and h.destination_id = skipped.destination_id and h.delivered_at is not null
          and h.status <> 'rejected' and not h.test
        order by h.revision limit 1
      ) heard
      where heard.payout > 0
      order by skipped.first_id limit ${where.bind(query.limit)}`,
    values: where.values,
  })
  return rows
}

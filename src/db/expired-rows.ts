import type { Db } from './database.ts'

/**
 * Removes what is past its time of the tables that have no partitions: idempotency keys after the day in which they hold,
 * closed alerts, and replays whose delivery is gone too. By Postgres' clock; may run in several processes at once.
 */
export async function deleteExpiredRows(db: Db, { retentionDays }: { retentionDays: number }): Promise<void> {
  await db.query({ text: `delete from idempotency_keys where created_at < now() - interval '24 hours'` })
  await db.query({
    text: `delete from alerts where closed_at < now() - $1 * interval '1 day'`,
    values: [retentionDays],
  })
  await db.query({
    text: `delete from replays r where r.created_at < now() - $1 * interval '1 day'
      and not exists (select from deliveries d where d.id = r.delivery_id)`,
    values: [retentionDays],
  })
}

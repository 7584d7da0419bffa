import type { Tx } from '../db/database.ts'
import type { Uuid } from '../kit/ids.ts'

export type SkippedDelivery = { deliveryId: Uuid; conversionId: Uuid; destinationId: Uuid; revision: number }

type Row = { id: Uuid; conversion_id: Uuid; destination_id: Uuid; revision: number }

const toSkipped = (row: Row): SkippedDelivery => ({
  deliveryId: row.id,
  conversionId: row.conversion_id,
  destinationId: row.destination_id,
  revision: row.revision,
})

/** The newest delivery of each pair, where it was skipped because an older one had the same to say. */
export async function listUnheardSkips(
  tx: Tx,
  pairs: readonly { conversionId: Uuid; destinationId: Uuid }[],
): Promise<SkippedDelivery[]> {
  const { rows } = await tx.query<Row>({
    name: 'list_unheard_skips',
    text: `select n.id, n.conversion_id, n.destination_id, n.revision
      from (select distinct c, t from unnest($1::uuid[], $2::uuid[]) i(c, t)) i
      cross join lateral (select d.id, d.conversion_id, d.destination_id, d.revision, d.state, d.reason from deliveries d
        where d.conversion_id = i.c and d.destination_id = i.t and not d.test order by d.revision desc limit 1) n
      where n.state = 'skipped' and n.reason in ('nothing_changed', 'amount_not_selected')`,
    values: [pairs.map((pair) => pair.conversionId), pairs.map((pair) => pair.destinationId)],
  })
  return rows.map(toSkipped)
}

export async function findSkipped(tx: Tx, deliveryId: Uuid): Promise<SkippedDelivery | null> {
  const { rows } = await tx.query<Row>({
    name: 'find_skipped',
    text: 'select id, conversion_id, destination_id, revision from deliveries where id = $1',
    values: [deliveryId],
  })
  return rows[0] ? toSkipped(rows[0]) : null
}

/** From skipped to scheduled, due at once or when its delay ends. */
export async function scheduleSkipped(
  tx: Tx,
  deliveries: readonly (SkippedDelivery & { notBeforeMs: number })[],
): Promise<void> {
  if (deliveries.length === 0) return
  await tx.query({
    name: 'schedule_skipped',
    text: `with d as (update deliveries d set state = 'scheduled', reason = null, updated_at = now()
        from unnest($1::uuid[]) i(id) where d.id = i.id)
      insert into due (delivery_id, destination_id, share, due_at, reason)
      select i.id, i.t, 0, greatest(now(), to_timestamp(i.ms / 1000)), case when to_timestamp(i.ms / 1000) > now() then 'delay' end
      from unnest($1::uuid[], $2::uuid[], $3::float8[]) i(id, t, ms)`,
    values: [
      deliveries.map((one) => one.deliveryId),
      deliveries.map((one) => one.destinationId),
      deliveries.map((one) => one.notBeforeMs),
    ],
  })
}

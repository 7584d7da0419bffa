import { column } from '../db/columns.ts'
import type { Tx } from '../db/database.ts'
import type { Uuid } from '../kit/ids.ts'

/** A delivery of a batch whose lease has ended. `suspect`: the batch was claimed, so its worker may have died of it. */
export type StrandedRow = { deliveryId: Uuid; suspect: boolean }

/** Not while Postgres is younger than quietMs: workers still flush what they could not commit while it was away. */
export async function deleteEndedBatches(
  tx: Tx,
  { quietMs, batchesMax }: { quietMs: number; batchesMax: number },
): Promise<{ batches: number; rows: StrandedRow[] }> {
  const { rows } = await tx.query<{ deliveries: Uuid[]; suspect: boolean }>({
    name: 'delete_ended_batches',
    text: `with kept as materialized (select set_config('synchronous_commit', 'on', true)),
      ended as (
        select b.id from batches b, kept
        where b.lease_until < now() and pg_postmaster_start_time() < now() - $1 * interval '1 ms'
        order by b.id limit $2 for update of b skip locked)
      delete from batches b using ended where b.id = ended.id
      returning b.deliveries, b.suspect or b.claimed_by is not null as suspect`,
    values: [quietMs, batchesMax],
  })
  return {
    batches: rows.length,
    rows: rows.flatMap(({ deliveries, suspect }) =>
      deliveries.map((deliveryId) => ({ deliveryId, suspect })),
    ),
  }
}

export type StrandedDelivery = {
  deliveryId: Uuid
  destinationId: Uuid
  nextId: Uuid | null
  replayId: Uuid | null
  attemptsCount: number
}

/** Those of them that are still unfinished, locked by id. Its snapshot is newer than the batches' end: what a flush just finished is not among them. */
export async function lockStranded(tx: Tx, deliveryIds: readonly Uuid[]): Promise<StrandedDelivery[]> {
  const { rows } = await tx.query<{
    id: Uuid
    destination_id: Uuid
    next_id: Uuid | null
    replay_id: Uuid | null
    attempts_count: number
  }>({
    name: 'lock_stranded',
    text: `select d.id, d.destination_id, d.next_id, d.replay_id, d.attempts_count
      from unnest($1::uuid[]) x(id) join deliveries d on d.id = x.id
      where d.state = 'scheduled' order by d.id for update of d`,
    values: [deliveryIds],
  })
  return rows.map((row) => ({
    deliveryId: row.id,
    destinationId: row.destination_id,
    nextId: row.next_id,
    replayId: row.replay_id,
    attemptsCount: row.attempts_count,
  }))
}

export type StrandedWrite = {
  due: readonly { deliveryId: Uuid; destinationId: Uuid; share: number; suspect: boolean }[]
  superseded: readonly Uuid[]
  wakes: readonly { deliveryId: Uuid; notBeforeMs: number }[]
}

/** Back to `due` at once; what has a successor is superseded and the successor may travel. */
export async function returnStranded(tx: Tx, write: StrandedWrite): Promise<void> {
  await tx.query({
    name: 'return_stranded',
    text: `with superseded as (
        update deliveries d set state = 'superseded', reason = null, next_id = null, updated_at = now()
        from unnest($1::uuid[]) x(id) where d.id = x.id
      ), woken as (
        update due u set after_batch = null,
          due_at = case when u.reason = 'delay' then greatest(now(), to_timestamp(n.not_before_ms / 1000)) else now() end
        from unnest($2::uuid[], $3::float8[]) n(id, not_before_ms) where u.delivery_id = n.id
      )
      insert into due (delivery_id, destination_id, share, due_at, suspect)
      select x.id, x.destination_id, x.share, now(), x.suspect
      from unnest($4::uuid[], $5::uuid[], $6::smallint[], $7::boolean[]) x(id, destination_id, share, suspect)
      on conflict (delivery_id) do nothing`,
    values: [
      write.superseded,
      column(write.wakes, (wake) => wake.deliveryId),
      column(write.wakes, (wake) => wake.notBeforeMs),
      column(write.due, (row) => row.deliveryId),
      column(write.due, (row) => row.destinationId),
      column(write.due, (row) => row.share),
      column(write.due, (row) => row.suspect),
    ],
  })
}

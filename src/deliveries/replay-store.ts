import type { ConversionStatus } from '../catalogue/catalogue.ts'
import type { Tx } from '../db/database.ts'
import type { Uuid } from '../kit/ids.ts'
import type { DeliveryState } from './delivery-states.ts'
import type { OlderUnsent, ReplaySibling } from './plan-replay.ts'

export type ReplayTarget = {
  conversionId: Uuid
  destinationId: Uuid
  revision: number
  advertiserId: Uuid
  offerId: Uuid
  affiliateId: Uuid
  status: ConversionStatus
  test: boolean
  /** Null: its revision is past its retention. */
  occurredAt: Date | null
}

export async function findReplayTarget(tx: Tx, deliveryId: Uuid): Promise<ReplayTarget | null> {
  const { rows } = await tx.query<{
    conversion_id: Uuid
    destination_id: Uuid
    revision: number
    advertiser_id: Uuid
    offer_id: Uuid
    affiliate_id: Uuid
    status: ConversionStatus
    test: boolean
    occurred_at: Date | null
  }>({
    text: `select d.conversion_id, d.destination_id, d.revision, d.advertiser_id, d.offer_id, d.affiliate_id, d.status, d.test,
        (select r.occurred_at from revisions r where r.id = d.revision_id) as occurred_at
      from deliveries d where d.id = $1`,
    values: [deliveryId],
  })
  const [row] = rows
  if (row === undefined) return null
  return {
    conversionId: row.conversion_id,
    destinationId: row.destination_id,
    revision: row.revision,
    advertiserId: row.advertiser_id,
    offerId: row.offer_id,
    affiliateId: row.affiliate_id,
    status: row.status,
    test: row.test,
    occurredAt: row.occurred_at,
  }
}

type Pair = { conversionId: Uuid; destinationId: Uuid }

/**
 * Locks, after the conversion's key: the batches that list a delivery of this conversion and destination, then the
 * deliveries, then their rows in `due`; each by id. What waits can't start to travel after this. One that started between
 * the first and the last lock is found by its batch, unlocked: it can't finish while its row is locked.
 */
export async function lockSiblings(tx: Tx, deliveryId: Uuid, pair: Pair): Promise<ReplaySibling[]> {
  const values = [pair.conversionId, pair.destinationId]
  await tx.query({
    text: `select id from batches where deliveries && array(
        select id from deliveries where conversion_id = $1 and destination_id = $2) order by id for update`,
    values,
  })
  const { rows } = await tx.query<{
    id: Uuid
    revision: number
    state: DeliveryState
    attempts_count: number
  }>({
    text: `select id, revision, state, attempts_count from deliveries
      where conversion_id = $1 and destination_id = $2 and (not test or id = $3) order by id for update`,
    values: [...values, deliveryId],
  })
  const ids = rows.map((row) => row.id)
  const waiting = await tx.query<{ delivery_id: Uuid }>({
    text: 'select delivery_id from due where delivery_id = any($1::uuid[]) order by delivery_id for update',
    values: [ids],
  })
  const batches = await tx.query<{ id: Uuid; delivery_id: Uuid }>({
    text: `select b.id, d.id as delivery_id from batches b cross join unnest(b.deliveries) d(id)
      where b.deliveries && $1::uuid[] and d.id = any($1::uuid[])`,
    values: [ids],
  })
  const waits = new Set(waiting.rows.map((row) => row.delivery_id))
  const batchOf = new Map(batches.rows.map((row) => [row.delivery_id, row.id]))
  return rows.map((row) => ({
    id: row.id,
    revision: row.revision,
    state: row.state,
    attemptsCount: row.attempts_count,
    waits: waits.has(row.id),
    batchId: batchOf.get(row.id) ?? null,
  }))
}

export async function hasNewerRejected(tx: Tx, conversionId: Uuid, revision: number): Promise<boolean> {
  const { rowCount } = await tx.query({
    text: `select from revisions where conversion_id = $1 and revision > $2 and status = 'rejected' limit 1`,
    values: [conversionId, revision],
  })
  return rowCount === 1
}

/** Whether the request of the last attempt is still kept. */
export async function hasRecordedRequest(tx: Tx, deliveryId: Uuid): Promise<boolean> {
  const { rowCount } = await tx.query({
    text: `select from attempts a join attempt_bodies b on b.id = a.id
      where a.delivery_id = $1 and a.id = (select last.id from attempts last where last.delivery_id = $1
        order by last.id desc limit 1)`,
    values: [deliveryId],
  })
  return rowCount === 1
}

export async function insertReplay(
  tx: Tx,
  replay: { id: Uuid; deliveryId: Uuid; render: 'current' | 'original'; requestedBy: string },
): Promise<void> {
  await tx.query({
    text: 'insert into replays (id, delivery_id, render, requested_by) values ($1, $2, $3, $4)',
    values: [replay.id, replay.deliveryId, replay.render, replay.requestedBy],
  })
}

/** A waiting delivery is due at once; one that waits for an older one on the wire goes on waiting for that. */
export async function hastenDelivery(tx: Tx, deliveryId: Uuid, replayId: Uuid): Promise<void> {
  await tx.query({
    text: `with d as (update deliveries set replay_id = $2, updated_at = now() where id = $1)
      update due set due_at = case when after_batch is null then now() else due_at end, share = 2, reason = null
      where delivery_id = $1`,
    values: [deliveryId, replayId],
  })
}

/**
 * Puts an ended delivery back to the start of its retry schedule. If a live batch still lists it (its outcome came late,
 * from another worker), it leaves that batch, so that it is in one place only.
 */
export async function reopenDelivery(
  tx: Tx,
  reopened: { deliveryId: Uuid; replayId: Uuid; afterBatch: Uuid | null; waitMs: number },
): Promise<void> {
  await tx.query({
    text: `with b as (
        update batches set deliveries = array_remove(deliveries, $1) where $1 = any(deliveries)
      ), d as (
        update deliveries set state = 'scheduled', reason = null, next_id = null, retries_used = 0, held_since = null,
          replay_id = $2, updated_at = now()
        where id = $1 returning id, destination_id
      )
      insert into due (delivery_id, destination_id, share, due_at, after_batch)
      select id, destination_id, 2, now() + $4 * interval '1 ms', $3 from d
      on conflict (delivery_id) do update set share = 2, due_at = excluded.due_at, after_batch = excluded.after_batch,
        reason = null`,
    values: [reopened.deliveryId, reopened.replayId, reopened.afterBatch, reopened.waitMs],
  })
}

/** Older unsent revisions give way to the re-opened one; one on the wire is superseded if it would have to be sent again. */
export async function supersedeOlder(tx: Tx, older: OlderUnsent, nextId: Uuid): Promise<void> {
  await tx.query({
    text: `with s as (
        update deliveries set state = 'superseded', updated_at = now() where id = any($1::uuid[])
      ), n as (
        update deliveries set next_id = $3 where id = $2
      )
      delete from due where delivery_id = any($1::uuid[])`,
    values: [older.superseded, older.travelling?.id ?? null, nextId],
  })
}

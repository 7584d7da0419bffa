import { arrayLiteral, column } from '../db/columns.ts'
import type { Db, Tx } from '../db/database.ts'
import type { Wake } from '../dispatch/wake.ts'
import type { Uuid } from '../kit/ids.ts'
import type { Decimal } from '../kit/money.ts'
import type { LockedDelivery, Settlement } from './settle-outcome.ts'

/**
 * The fence: locks the batches that are still this worker's (or nobody's: a claim lost in a crash of Postgres) and
 * returns which of the rows still travel in them. A flush whose commit got no answer finds its rows gone here.
 */
export async function fenceRows(
  tx: Tx,
  workerId: Uuid,
  rows: readonly { deliveryId: Uuid; batchId: Uuid }[],
): Promise<Set<Uuid>> {
  const { rows: fenced } = await tx.query<{ id: Uuid }>({
    name: 'fence_rows',
    text: `select x.id from unnest($2::uuid[], $3::uuid[]) x(id, batch_id) join batches b on b.id = x.batch_id
      where (b.claimed_by = $1 or b.claimed_by is null) and x.id = any(b.deliveries)
      order by b.id for update of b`,
    values: [workerId, column(rows, (row) => row.deliveryId), column(rows, (row) => row.batchId)],
  })
  return new Set(fenced.map((row) => row.id))
}

/** Locks deliveries by id. After this a successor that was written beside us is visible to the next statement. */
export async function lockDeliveries(tx: Tx, ids: readonly Uuid[]): Promise<Map<Uuid, LockedDelivery>> {
  const { rows } = await tx.query<{ id: Uuid; state: LockedDelivery['state']; next_id: Uuid | null }>({
    name: 'lock_travelling',
    text: `select d.id, d.state, d.next_id from unnest($1::uuid[]) x(id) join deliveries d on d.id = x.id
      order by d.id for update of d`,
    values: [arrayLiteral(ids)],
  })
  return new Map(rows.map((row) => [row.id, { state: row.state, nextId: row.next_id }]))
}

/** Which of these attempts are stored already: the flush that wrote them committed without an answer. */
export async function listStoredAttempts(
  tx: Tx,
  attempts: readonly { id: Uuid; deliveryId: Uuid }[],
): Promise<Set<Uuid>> {
  const { rows } = await tx.query<{ id: Uuid }>({
    text: `select a.id from unnest($1::uuid[], $2::uuid[]) x(id, delivery_id)
      join attempts a on a.delivery_id = x.delivery_id and a.id = x.id`,
    values: [column(attempts, (one) => one.id), column(attempts, (one) => one.deliveryId)],
  })
  return new Set(rows.map((row) => row.id))
}

export type OutcomeWrite = {
  settlements: readonly Settlement[]
  /** Successors, sorted by id. isFree: the batch that it waited for need not be gone. */
  wakes: readonly (Wake & { isFree: boolean })[]
  /** Batches without an open row. */
  finished: readonly Uuid[]
  /** Batches that live on without the rows of this write. */
  shrunk: readonly Uuid[]
}

// A row leaves its batch in the transaction that finishes it or puts it into `due`: a later takeover of the batch would
// else bring it to a second place. The successors were written before lockDeliveries, so this statement sees them.
const WRITE_OUTCOMES = `with x as materialized (
  select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::boolean[], $5::text[], $6::uuid[], $7::boolean[], $8::boolean[],
    $9::boolean[], $10::uuid[], $11::float8[], $12::text[], $13::smallint[], $14::text[], $15::text[], $16::text[], $17::int[],
    $18::uuid[], $19::text[], $20::text[], $21::float8[], $22::text[], $23::smallint[], $24::text[], $29::boolean[])
  as x(id, destination_id, state, changed, reason, next_id, late, counts_retry, asked_to_wait, attempt_id, started_ms, verdict,
    http_status, error, timings, remote_ip, version, replay_id, request, response, due_ms, due_reason, share, failure, suspect)
), attempt as (
  insert into attempts (delivery_id, id, started_at, verdict, http_status, error, timings_ms, remote_ip, destination_version,
    replay_id, late)
  select id, attempt_id, to_timestamp(started_ms / 1000), verdict, http_status, error, timings::jsonb, remote_ip, version,
    replay_id, late from x where attempt_id is not null
), body as (
  insert into attempt_bodies (id, request, response)
  select attempt_id, request::jsonb, response::jsonb from x where request is not null
), back as (
  insert into due (delivery_id, destination_id, share, due_at, reason, suspect)
  select id, destination_id, share, now() + due_ms * interval '1 ms', due_reason, suspect from x where due_ms is not null
), woken as (
  update due u set after_batch = case when n.is_free then null else u.after_batch end,
    due_at = case when u.reason = 'delay' then greatest(now(), to_timestamp(n.not_before_ms / 1000)) else now() end
  from unnest($25::uuid[], $26::float8[], $30::boolean[]) n(id, not_before_ms, is_free) where u.delivery_id = n.id
), finished as (
  delete from batches where id = any($27::uuid[])
), shrunk as (
  update batches b set deliveries = array(
    select u.id from unnest(b.deliveries) with ordinality u(id, place) where u.id <> all($1::uuid[]) order by u.place)
  where b.id = any($28::uuid[])
)
update deliveries d set
  state = x.state,
  reason = case when x.changed then x.reason else d.reason end,
  next_id = case when x.changed then x.next_id else d.next_id end,
  attempts_count = d.attempts_count + (x.attempt_id is not null)::int,
  retries_used = d.retries_used + x.counts_retry::int,
  last_http_status = case when x.attempt_id is null or x.late then d.last_http_status else x.http_status end,
  last_verdict = case when x.attempt_id is null or x.late then d.last_verdict else x.verdict end,
  last_error = case when x.failure is not null then x.failure
    when x.attempt_id is null or x.late then d.last_error else x.error end,
  last_attempt_at = case when x.attempt_id is null or x.late then d.last_attempt_at else to_timestamp(x.started_ms / 1000) end,
  delivered_at = case when x.verdict = 'delivered' then coalesce(d.delivered_at, now()) else d.delivered_at end,
  held_since = case when x.asked_to_wait then coalesce(d.held_since, now()) else d.held_since end,
  updated_at = now()
from x where d.id = x.id`

/** Everything about up to 500 outcomes, in one statement. The rows of `settlements` are sorted by delivery id. */
export async function writeOutcomes(tx: Tx, write: OutcomeWrite): Promise<void> {
  const { settlements: all } = write
  const attempt = all.map((one) => one.outcome.attempt)
  await tx.query({
    name: 'write_outcomes',
    text: WRITE_OUTCOMES,
    values: [
      column(all, (one) => one.outcome.row.facts.deliveryId),
      column(all, (one) => one.outcome.row.destinationId),
      column(all, (one) => one.state),
      column(all, (one) => one.change !== null),
      column(all, (one) => one.change?.reason ?? null),
      column(all, (one) => one.change?.nextId ?? null),
      column(all, (one) => one.late),
      column(all, (one) => countsRetry(one)),
      column(all, (one) => one.due?.reason === 'receiver_asked'),
      column(attempt, (one) => one?.id ?? null),
      column(attempt, (one) => one?.startedAt.getTime() ?? null),
      column(attempt, (one) => one?.verdict ?? null),
      column(attempt, (one) => one?.httpStatus ?? null),
      column(attempt, (one) => one?.error ?? null),
      column(attempt, (one) => toJson(one?.timingsMs)),
      column(attempt, (one) => one?.remoteIp ?? null),
      column(attempt, (one) => one?.destinationVersion ?? null),
      column(attempt, (one) => one?.replayId ?? null),
      column(attempt, (one) => toJson(one?.request)),
      column(attempt, (one) => toJson(one?.response)),
      column(all, (one) => one.due?.delayMs ?? null),
      column(all, (one) => one.due?.reason ?? null),
      column(all, (one) => one.due?.share ?? null),
      column(all, (one) => failureOf(one)),
      column(write.wakes, (wake) => wake.deliveryId),
      column(write.wakes, (wake) => wake.notBeforeMs),
      arrayLiteral(write.finished),
      arrayLiteral(write.shrunk),
      column(all, (one) => one.due?.suspect ?? false),
      column(write.wakes, (wake) => wake.isFree),
    ],
  })
}

const countsRetry = ({ due, outcome: { next } }: Settlement): boolean =>
  due !== null && next.state === 'scheduled' && next.countsRetry

const failureOf = ({ change, outcome: { next } }: Settlement): string | null =>
  change !== null && next.state === 'failed' ? next.error : null

const toJson = (value: unknown): string | null =>
  value === null || value === undefined ? null : JSON.stringify(value)

/** payout_due of the newest revision that each destination was told before the given one; absent where none was. */
export async function listPayoutDueBefore(
  db: Db,
  rows: readonly { deliveryId: Uuid; conversionId: Uuid; destinationId: Uuid; revision: number }[],
): Promise<Map<Uuid, Decimal>> {
  const { rows: found } = await db.query<{ id: Uuid; payout_due: Decimal }>({
    name: 'list_payout_due_before',
    text: `select x.id, before.payout_due
      from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[]) x(id, conversion_id, destination_id, revision)
      cross join lateral (
        select (case when d.status = 'approved' then coalesce(d.payout, 0) else 0 end)::text as payout_due
        from deliveries d
        where d.conversion_id = x.conversion_id and d.destination_id = x.destination_id
          and d.revision < x.revision and d.delivered_at is not null and not d.test
        order by d.revision desc limit 1) before`,
    values: [
      column(rows, (row) => row.deliveryId),
      column(rows, (row) => row.conversionId),
      column(rows, (row) => row.destinationId),
      column(rows, (row) => row.revision),
    ],
  })
  return new Map(found.map((row) => [row.id, row.payout_due]))
}

/** The request of each delivery's last attempt as it was recorded; absent where its body is not kept any more. */
export async function listLastRequests(db: Db, deliveryIds: readonly Uuid[]): Promise<Map<Uuid, unknown>> {
  const { rows } = await db.query<{ delivery_id: Uuid; request: unknown }>({
    text: `select x.id as delivery_id, last.request from unnest($1::uuid[]) x(id)
      cross join lateral (
        select b.request from attempts a join attempt_bodies b on b.id = a.id
        where a.delivery_id = x.id order by a.id desc limit 1) last`,
    values: [deliveryIds],
  })
  return new Map(rows.map((row) => [row.delivery_id, row.request]))
}

/** False: it is not active any more, or another version by now, and stays as it is. */
export async function updateDestinationDisabled(
  tx: Tx,
  called: { id: Uuid; version: number },
  changedIn: number,
): Promise<boolean> {
  const { rowCount } = await tx.query({
    text: `update destinations set state = 'disabled', state_reason = 'http_410', changed_in = $3, updated_at = now()
      where id = $1 and version = $2 and state = 'active'`,
    values: [called.id, called.version, changedIn],
  })
  return rowCount === 1
}

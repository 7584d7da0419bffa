import { column } from '../db/columns.ts'
import type { Db, Tx } from '../db/database.ts'
import type { Uuid } from '../kit/ids.ts'

export type Recovery = 'probing' | 'ramping'

/** A lane as it is under its row lock. */
export type LockedLane = {
  destinationId: Uuid
  isBlocked: boolean
  recovery: Recovery | null
  backedOffMs: number | null
}

type LockedRow = {
  destination_id: Uuid
  blocked: boolean
  recovery: Recovery | null
  backed_off_ms: number | null
}

const LOCKED = `l.destination_id, l.mode = 'blocked' as blocked, l.recovery, l.backed_off_ms`

const toLockedLane = (row: LockedRow): LockedLane => ({
  destinationId: row.destination_id,
  isBlocked: row.blocked,
  recovery: row.recovery,
  backedOffMs: row.backed_off_ms,
})

/** Locks a lane, which may have had no row until now. */
export async function lockLane(tx: Tx, destinationId: Uuid): Promise<LockedLane | null> {
  const { rows } = await tx.query<LockedRow>({
    text: `insert into lanes as l (destination_id) values ($1)
      on conflict (destination_id) do update set updated_at = l.updated_at returning ${LOCKED}`,
    values: [destinationId],
  })
  return rows[0] === undefined ? null : toLockedLane(rows[0])
}

/** Locks those of these lanes that recover. */
export async function lockRecoveringLanes(tx: Tx, destinationIds: readonly Uuid[]): Promise<LockedLane[]> {
  const { rows } = await tx.query<LockedRow>({
    name: 'lock_recovering_lanes',
    text: `select ${LOCKED} from unnest($1::uuid[]) x(id) join lanes l on l.destination_id = x.id
      where l.recovery is not null order by l.destination_id for update of l`,
    values: [destinationIds],
  })
  return rows.map(toLockedLane)
}

/** Opens a breaker, or keeps it open after a probe that failed: one row, whatever the backlog. */
export async function openLane(tx: Tx, destinationId: Uuid, forMs: number): Promise<void> {
  await tx.query({
    name: 'open_lane',
    text: `update lanes set mode = 'blocked', previous_mode = 'paced', blocked_reason = 'breaker_open',
        blocked_until = now() + $2::float8 * interval '1 ms', backed_off_ms = $2::float8::int, recovery = 'probing',
        ramp_rate = null, ramp_at = null, allowance = null, updated_at = now()
      where destination_id = $1`,
    values: [destinationId, forMs],
  })
}

/** The next second of a ramp; rate null: the lane has recovered. */
export async function rampLanes(
  tx: Tx,
  steps: readonly { destinationId: Uuid; rate: number | null }[],
): Promise<void> {
  await tx.query({
    name: 'ramp_lanes',
    text: `update lanes l set recovery = case when x.rate is null then null else 'ramping' end,
        backed_off_ms = case when x.rate is null then null else l.backed_off_ms end,
        ramp_rate = x.rate, allowance = floor(x.rate), ramp_at = case when x.rate is null then null else now() end,
        ok = 0, bad = 0, updated_at = now()
      from unnest($1::uuid[], $2::float4[]) x(id, rate) where l.destination_id = x.id`,
    values: [column(steps, (step) => step.destinationId), column(steps, (step) => step.rate)],
  })
}

export async function addRampResults(
  tx: Tx,
  results: readonly { destinationId: Uuid; ok: number; bad: number }[],
): Promise<void> {
  await tx.query({
    name: 'add_ramp_results',
    text: `update lanes l set ok = l.ok + x.ok, bad = l.bad + x.bad
      from unnest($1::uuid[], $2::int[], $3::int[]) x(id, ok, bad) where l.destination_id = x.id`,
    values: [
      column(results, (one) => one.destinationId),
      column(results, (one) => one.ok),
      column(results, (one) => one.bad),
    ],
  })
}

export type RampingLane = { destinationId: Uuid; rate: number; ok: number; bad: number; isIdle: boolean }

/** Locks the ramps whose present second is over. */
export async function lockEndedRampSeconds(tx: Tx): Promise<RampingLane[]> {
  const { rows } = await tx.query<{
    destination_id: Uuid
    ramp_rate: number
    ok: number
    bad: number
    idle: boolean
  }>({
    name: 'lock_ended_ramp_seconds',
    text: `select l.destination_id, l.ramp_rate, l.ok, l.bad,
        not exists (select from batches b where b.destination_id = l.destination_id)
          and not exists (select from due q where q.destination_id = l.destination_id and q.due_at <= now()) as idle
      from lanes l where l.recovery is not null and l.recovery = 'ramping' and l.mode <> 'blocked'
        and l.ramp_at <= now() - interval '0.95 s'
      order by l.destination_id for update of l`,
  })
  return rows.map((row) => ({
    destinationId: row.destination_id,
    rate: row.ramp_rate,
    ok: row.ok,
    bad: row.bad,
    isIdle: row.idle,
  }))
}

export type RecentStart = { destinationId: Uuid; calls: number; agoMs: number; countsForMs: number }

/** clock_timestamp(): later than the reading that agoMs was made from, so no call counts for too short. */
export async function insertStarts(tx: Tx, starts: readonly RecentStart[]): Promise<void> {
  await tx.query({
    name: 'insert_starts',
    text: `insert into recent_starts (destination_id, calls, counts_until)
      select x.id, x.calls, clock_timestamp() + x.counts_ms * interval '1 ms'
      from unnest($1::uuid[], $2::int[], $3::float8[]) x(id, calls, counts_ms)`,
    values: [
      column(starts, (start) => start.destinationId),
      column(starts, (start) => start.calls),
      column(starts, (start) => start.countsForMs - start.agoMs),
    ],
  })
}

export async function deleteOldStarts(db: Db): Promise<void> {
  await db.query({ name: 'delete_old_starts', text: 'delete from recent_starts where counts_until < now()' })
}

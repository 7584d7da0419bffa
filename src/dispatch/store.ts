import type { Db, Tx } from '../db/database.ts'
import type { Uuid } from '../kit/ids.ts'

export type LaneMode = 'direct' | 'paced' | 'blocked'

// A lost claim or renewal costs nothing (the fence accepts a batch without an owner), so they don't wait for the disk.
// The setting is local to the statement's own transaction and is read when that commits.
export const COMMIT_ASYNC = `off as materialized (select set_config('synchronous_commit', 'off', true))`

/** Mode of lane row l; no row is direct, a block whose time is over counts as the mode it returns to. */
export const LANE_MODE = `case when l.mode = 'blocked' and l.blocked_until <= now()
  then coalesce(l.previous_mode, 'direct') else coalesce(l.mode, 'direct') end`

/** Only what is not direct, by the partial index; a block whose time is over counts as the mode it returns to. */
export async function listLanesNotDirect(db: Db): Promise<Map<Uuid, LaneMode>> {
  const { rows } = await db.query<{ destination_id: Uuid; mode: LaneMode }>({
    name: 'list_lanes_not_direct',
    text: `select destination_id, mode from (
        select l.destination_id, ${LANE_MODE} as mode from lanes l where l.mode <> 'direct') lane
      where mode <> 'direct'`,
  })
  return new Map(rows.map((row) => [row.destination_id, row.mode]))
}

export type WorkerHeartbeat = {
  id: Uuid
  host: string
  pid: number
  rowsInMemory: number
  /** Queue name -> longest wait between a batch's commit and its claim since the last heartbeat. */
  waitsMs: Record<string, number>
}

/** Rows of workers that are silent for a minute are deleted by the way. */
export async function upsertHeartbeat(db: Db, heartbeat: WorkerHeartbeat): Promise<void> {
  await db.query({
    name: 'upsert_heartbeat',
    text: `with ${COMMIT_ASYNC},
      silent as (delete from workers where id <> $1 and heartbeat_at < now() - interval '1 minute')
      insert into workers (id, host, pid, heartbeat_at, rows_in_memory, waits_ms)
      select $1, $2, $3, now(), $4, $5 from off
      on conflict (id) do update set heartbeat_at = now(), rows_in_memory = excluded.rows_in_memory,
        waits_ms = excluded.waits_ms`,
    values: [
      heartbeat.id,
      heartbeat.host,
      heartbeat.pid,
      heartbeat.rowsInMemory,
      JSON.stringify(heartbeat.waitsMs),
    ],
  })
}

export async function deleteHeartbeat(db: Db, workerId: Uuid): Promise<void> {
  await db.query({ text: 'delete from workers where id = $1', values: [workerId] })
}

/**
 * Blocks lanes until a time because their receivers asked for it. A later time wins, an earlier one never shortens;
 * the lane returns to the mode it was in. Sorted by destination id, so that two flushes can't deadlock here.
 */
export async function blockLanes(tx: Tx, blocks: { destinationId: Uuid; forMs: number }[]): Promise<void> {
  await tx.query({
    name: 'block_lanes',
    text: `insert into lanes as l (destination_id, mode, previous_mode, blocked_until, blocked_reason)
      select x.destination_id, 'blocked', 'direct', now() + x.for_ms * interval '1 ms', 'receiver_asked'
      from unnest($1::uuid[], $2::float8[]) x(destination_id, for_ms) order by x.destination_id
      on conflict (destination_id) do update set
        mode = 'blocked',
        previous_mode = case when l.mode = 'blocked' then l.previous_mode else l.mode end,
        blocked_until = greatest(l.blocked_until, excluded.blocked_until),
        blocked_reason = case when l.mode = 'blocked' and l.blocked_until >= excluded.blocked_until
          then l.blocked_reason else excluded.blocked_reason end,
        updated_at = now()`,
    values: [blocks.map((block) => block.destinationId), blocks.map((block) => block.forMs)],
  })
}

/** Flooded lanes: from here on the sweeper alone releases their rows. Sorted like blockLanes. */
export async function paceLanes(tx: Tx, destinationIds: Uuid[]): Promise<void> {
  await tx.query({
    name: 'pace_lanes',
    text: `insert into lanes as l (destination_id, mode, paced_at)
      select x.destination_id, 'paced', now() from unnest($1::uuid[]) x(destination_id) order by x.destination_id
      on conflict (destination_id) do update set
        mode = case when l.mode = 'blocked' then 'blocked' else 'paced' end,
        previous_mode = case when l.mode = 'blocked' then 'paced' else l.previous_mode end,
        paced_at = now(), updated_at = now()`,
    values: [destinationIds],
  })
}

/** For batches whose hint surely never arrived. A claim that was faster is not disturbed. */
export async function endTransit(db: Db, batchIds: readonly Uuid[]): Promise<void> {
  await db.query({
    name: 'end_transit',
    text: 'update batches set lease_until = now() where id = any($1::uuid[]) and claimed_by is null',
    values: [batchIds],
  })
}

/** Unix ms by Postgres' clock. */
export async function readPostgresNowMs(db: Db): Promise<number> {
  const { rows } = await db.query<{ ms: number }>({
    text: 'select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms',
  })
  return rows[0]?.ms ?? 0
}

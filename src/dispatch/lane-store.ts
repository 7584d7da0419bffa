import type { Db } from '../db/database.ts'
import type { Uuid } from '../kit/ids.ts'

export async function listPacedLanes(db: Db): Promise<{ destinationId: Uuid; hasBacklog: boolean }[]> {
  const { rows } = await db.query<{ destination_id: Uuid; has_backlog: boolean }>({
    name: 'list_paced_lanes',
    text: `select l.destination_id, exists (
        select from due u where u.destination_id = l.destination_id and u.share in (0, 1, 2)
          and u.due_at < now() - interval '1 s') as has_backlog
      from lanes l where l.mode <> 'direct' and l.mode = 'paced' and l.recovery is null`,
  })
  return rows.map((row) => ({ destinationId: row.destination_id, hasBacklog: row.has_backlog }))
}

export async function makeDirect(db: Db, destinationIds: readonly Uuid[]): Promise<void> {
  await db.query({
    name: 'make_direct',
    text: `update lanes set mode = 'direct', paced_at = null, updated_at = now()
      where destination_id = any($1::uuid[]) and mode = 'paced' and recovery is null`,
    values: [destinationIds],
  })
}

/** waiting_at is the time of the count that last changed the number. 163 ms at a million due rows (design phase). */
export async function countWaiting(db: Db): Promise<void> {
  await db.query({
    text: `with counted as materialized (
        select destination_id, count(*)::int as waiting from due group by destination_id
      ), emptied as (
        update lanes l set waiting = 0, waiting_at = now()
        where l.waiting > 0 and not exists (select from counted c where c.destination_id = l.destination_id)
      )
      insert into lanes as l (destination_id, waiting, waiting_at)
      select c.destination_id, c.waiting, now() from counted c order by c.destination_id
      on conflict (destination_id) do update set waiting = excluded.waiting, waiting_at = excluded.waiting_at
      where l.waiting <> excluded.waiting`,
  })
}

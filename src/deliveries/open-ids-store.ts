import type { Db } from '../db/database.ts'
import type { Uuid } from '../kit/ids.ts'
import { HELD_JOINS, HELD_REASON } from './held.ts'

const OPEN_MAX = 5000

// One look into due_pick for each destination with a waiting row; of a destination that is held as a whole no row is read.
// Rows are taken in the order of due_pick: where statistics know one destination alone, all of `due` is scanned for each else.
const OPEN = `with recursive waiting as (
    (select destination_id from due where $1::uuid is null or destination_id = $1 order by destination_id limit 1)
    union all
    select (select n.destination_id from due n where n.destination_id > w.destination_id and $1::uuid is null
      order by n.destination_id limit 1)
    from waiting w where w.destination_id is not null
  ), free as (
    select w.destination_id from waiting w join destinations t on t.id = w.destination_id and t.state = 'active'
    left join lanes l on l.destination_id = w.destination_id
    where l.blocked_until is null or l.blocked_until <= now()
  )
  (select unnest(deliveries) as id from batches limit ${OPEN_MAX + 1})
  union all
  (select u.delivery_id from free f cross join lateral (
      select u.* from due u where u.destination_id = f.destination_id and (u.reason is null or u.due_at <= now())
      order by u.share, u.due_at
      limit ${OPEN_MAX + 1}) u ${HELD_JOINS}
    where ${HELD_REASON} is null limit ${OPEN_MAX + 1})
  limit ${OPEN_MAX + 1}`

/**
 * Deliveries that travel or could: scheduled and not held. Null where they are more than 5,000: then they are easily met
 * on a walk from the newest one. A million held rows of a dead destination are not looked at.
 */
export async function findOpenIds(db: Db, destinationId: Uuid | null): Promise<Uuid[] | null> {
  const { rows } = await db.query<{ id: Uuid }>({ text: OPEN, values: [destinationId] })
  return rows.length > OPEN_MAX ? null : rows.map((row) => row.id)
}

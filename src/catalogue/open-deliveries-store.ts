import type { Db, Tx } from '../db/database.ts'
import type { Uuid } from '../kit/ids.ts'

/** Ids of waiting deliveries in ascending order, of one destination or of all. */
export async function listDueIdsAfter(
  db: Db,
  chunk: { after: Uuid; destinationId: Uuid | null; limit: number },
): Promise<Uuid[]> {
  const { rows } = await db.query<{ delivery_id: Uuid }>({
    text: `select delivery_id from due where delivery_id > $1 ${chunk.destinationId === null ? '' : 'and destination_id = $3'}
      order by delivery_id limit $2`,
    values: [chunk.after, chunk.limit, ...(chunk.destinationId === null ? [] : [chunk.destinationId])],
  })
  return rows.map((row) => row.delivery_id)
}

const COLUMNS = {
  advertiser: 'advertiser_id',
  offer: 'offer_id',
  affiliate: 'affiliate_id',
  destination: 'destination_id',
} as const

/** Of these deliveries the scheduled ones of this owner, locked. The join prunes partitions row by row, `= any` would not. */
export async function lockScheduledOf(
  tx: Tx,
  owner: { noun: keyof typeof COLUMNS; id: Uuid; ids: readonly Uuid[] },
): Promise<Uuid[]> {
  const { rows } = await tx.query<{ id: Uuid }>({
    text: `select d.id from unnest($1::uuid[]) x(id) join deliveries d on d.id = x.id
      where d.state = 'scheduled' and d.${COLUMNS[owner.noun]} = $2 order by d.id for update of d`,
    values: [owner.ids, owner.id],
  })
  return rows.map((row) => row.id)
}

/** Returns those that were still waiting; the others travel. */
export async function deleteDue(tx: Tx, ids: readonly Uuid[]): Promise<Uuid[]> {
  const { rows } = await tx.query<{ delivery_id: Uuid }>({
    text: `delete from due where delivery_id = any(array(
        select delivery_id from due where delivery_id = any($1::uuid[]) order by delivery_id for update))
      returning delivery_id`,
    values: [ids],
  })
  return rows.map((row) => row.delivery_id)
}

export async function updateCancelled(tx: Tx, ids: readonly Uuid[], reason: string): Promise<void> {
  await tx.query({
    text: `update deliveries d set state = 'cancelled', reason = $2, updated_at = now()
      from unnest($1::uuid[]) x(id) where d.id = x.id and d.state = 'scheduled'`,
    values: [ids, reason],
  })
}

/** What was learned of the trackers of archived destinations: an open breaker would keep what is left of their backlog. */
export async function forgetLanes(tx: Tx, noun: 'destination' | 'affiliate', id: Uuid): Promise<void> {
  const column = noun === 'destination' ? 'id' : 'affiliate_id'
  await tx.query({
    text: `with own as (select id from destinations where ${column} = $1),
        gone as (delete from lanes using own where lanes.destination_id = own.id)
      update alerts set closed_at = now() from own where alerts.destination_id = own.id and alerts.closed_at is null`,
    values: [id],
  })
}

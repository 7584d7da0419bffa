import type { Db } from '../db/database.ts'
import type { Uuid } from '../kit/ids.ts'

export type LaneMode = 'direct' | 'paced' | 'blocked'

/** Only what is not direct, by the partial index; a block whose time is over counts as the mode it returns to. */
export async function listLanesNotDirect(db: Db): Promise<Map<Uuid, LaneMode>> {
  const { rows } = await db.query<{ destination_id: Uuid; mode: LaneMode }>({
    name: 'list_lanes_not_direct',
    text: `select destination_id, mode from (
        select destination_id, case when mode = 'blocked' and blocked_until <= now()
          then coalesce(previous_mode, 'direct') else mode end as mode
        from lanes where mode <> 'direct') l
      where mode <> 'direct'`,
  })
  return new Map(rows.map((row) => [row.destination_id, row.mode]))
}

import type { Db, Tx } from '../db/database.ts'
import type { Uuid } from '../kit/ids.ts'
import { UNKNOWN_CLICK } from './plan-revisions.ts'

/** Without locks, oldest first; index unsettled_due. */
export async function listDueUnsettled(db: Db, rowsMax: number): Promise<Uuid[]> {
  const { rows } = await db.query<{ conversion_id: Uuid }>({
    name: 'list_due_unsettled',
    text: 'select conversion_id from unsettled where due_at <= now() order by due_at limit $1',
    values: [rowsMax],
  })
  return rows.map((row) => row.conversion_id)
}

/** Those still there, locked. The conversions' keys must be locked before. */
export async function lockUnsettled(
  tx: Tx,
  conversionIds: readonly Uuid[],
): Promise<{ conversionId: Uuid; clickId: string | null }[]> {
  const { rows } = await tx.query<{ conversion_id: Uuid; click_id: string | null }>({
    name: 'lock_unsettled',
    text: 'select conversion_id, click_id from unsettled where conversion_id = any($1::uuid[]) order by conversion_id for update',
    values: [conversionIds],
  })
  return rows.map((row) => ({ conversionId: row.conversion_id, clickId: row.click_id }))
}

/** The next try: after 30 s, 5 min, then hourly; after PARKED_DAYS only a click brings the row back. */
export async function postponeUnsettled(
  tx: Tx,
  conversionIds: readonly Uuid[],
  parkedDays: number,
): Promise<void> {
  if (conversionIds.length === 0) return
  await tx.query({
    name: 'postpone_unsettled',
    text: `update unsettled set tries = tries + 1, due_at = case
        when created_at < now() - make_interval(days => $2) then 'infinity'
        when tries = 0 then now() + interval '30 s'
        when tries = 1 then now() + interval '5 min'
        else now() + interval '1 h' end
      where conversion_id = any($1::uuid[])`,
    values: [conversionIds, parkedDays],
  })
}

/**
 * Brings back what else waits for these clicks, of each at most perClick, also what was given up for its age. Skips what is
 * locked: whoever has it settles it, or wakes it.
 */
export async function wakeOthers(tx: Tx, clickIds: readonly string[], perClick: number): Promise<void> {
  if (clickIds.length === 0) return
  await tx.query({
    name: 'wake_others',
    text: `update unsettled set due_at = now() where conversion_id = any(array(
        select w.conversion_id from unnest($1::text[]) i(click_id) cross join lateral (
          select u.conversion_id from unsettled u
          where u.click_id = i.click_id and u.due_at > now() and u.reason = $3
          limit $2 for update skip locked) w))`,
    values: [clickIds, perClick, UNKNOWN_CLICK],
  })
}

export async function deleteUnsettled(tx: Tx, conversionIds: readonly Uuid[]): Promise<void> {
  if (conversionIds.length === 0) return
  await tx.query({
    name: 'delete_unsettled',
    text: 'delete from unsettled where conversion_id = any($1::uuid[])',
    values: [conversionIds],
  })
}

/** Kept for people to see, never tried again by itself. */
export async function giveUpUnsettled(tx: Tx, conversionIds: readonly Uuid[], reason: string): Promise<void> {
  if (conversionIds.length === 0) return
  await tx.query({
    name: 'give_up_unsettled',
    text: `with u as (update unsettled set due_at = 'infinity', reason = $2 where conversion_id = any($1::uuid[]))
      update conversions set note = $2, updated_at = now() where id = any($1::uuid[])`,
    values: [conversionIds, reason],
  })
}

import { withTx } from '../db/database.ts'
import { AppError } from '../kit/app-error.ts'
import { lowestUuid, type Uuid } from '../kit/ids.ts'
import type { CatalogueNoun } from './catalogue.ts'
import { withControlWrite } from './control-write.ts'
import {
  deleteDue,
  forgetLanes,
  listDueIdsAfter,
  lockScheduledOf,
  updateCancelled,
} from './open-deliveries-store.ts'
import type { Needs } from './open-row.ts'
import { type CatalogueTable, lockArchived, updateArchived } from './store.ts'

const TABLES = {
  advertiser: 'advertisers',
  offer: 'offers',
  affiliate: 'affiliates',
  destination: 'destinations',
} as const satisfies Record<CatalogueNoun, CatalogueTable>

/**
 * Archives: from the answer on nothing comes in or goes out, and what waited is cancelled. The waiting deliveries are
 * cancelled in transactions of their own, so that a backlog holds no lock for long; what is left of them after a crash,
 * and what travels at that moment, is cancelled where it is next looked at.
 */
export async function archive(ctx: Needs, noun: CatalogueNoun, id: Uuid): Promise<void> {
  await writeArchived(ctx, { noun, id, archived: true })
  await cancelWaiting(ctx, noun, id)
}

/** Takes it back into use; cancelled deliveries stay cancelled and can be replayed. */
export const restore = (ctx: Needs, noun: CatalogueNoun, id: Uuid): Promise<void> =>
  writeArchived(ctx, { noun, id, archived: false })

/** A PATCH: `archived:false` restores before the other changes, `archived:true` archives after them. write: null where there are none. */
export async function applyPatch(
  ctx: Needs,
  target: { noun: CatalogueNoun; id: Uuid; archived: boolean | undefined },
  write: (() => Promise<void>) | null,
): Promise<void> {
  const { noun, id, archived } = target
  if (archived === false) await restore(ctx, noun, id)
  await write?.()
  if (archived === true) await archive(ctx, noun, id)
}

async function writeArchived(
  ctx: Needs,
  write: { noun: CatalogueNoun; id: Uuid; archived: boolean },
): Promise<void> {
  const { noun, id, archived } = write
  await withControlWrite(ctx, async (tx, version) => {
    if (!(await updateArchived(tx, { table: TABLES[noun], id, archived, version })))
      throw new AppError('not_found', { message: `There is no such ${noun}.` })
    if (archived && (noun === 'destination' || noun === 'affiliate')) await forgetLanes(tx, noun, id)
  })
}

/** Ids read at once: finding the next ones of a destination sorts its whole backlog. */
const READ_ROWS = 50_000
/** Rows cancelled in one transaction. */
const CHUNK_ROWS = 5000

async function cancelWaiting(ctx: Needs, noun: CatalogueNoun, id: Uuid): Promise<void> {
  const destinationId = noun === 'destination' ? id : null
  for (let after: Uuid | undefined = lowestUuid(0); after !== undefined; ) {
    const ids: Uuid[] = await listDueIdsAfter(ctx.db.reads, { after, destinationId, limit: READ_ROWS })
    for (let at = 0; at < ids.length; at += CHUNK_ROWS)
      if (!(await cancelChunk(ctx, { noun, id, ids: ids.slice(at, at + CHUNK_ROWS) }))) return
    after = ids.length < READ_ROWS ? undefined : ids.at(-1)
  }
}

/**
 * Locks deliveries before due, each by id. Those that left `due` meanwhile travel: their worker cancels them. False: it was
 * restored meanwhile, and what waits now is to go out.
 */
const cancelChunk = (
  ctx: Needs,
  { noun, id, ids }: { noun: CatalogueNoun; id: Uuid; ids: Uuid[] },
): Promise<boolean> =>
  withTx(ctx.db.reads, async (tx) => {
    if (!(await lockArchived(tx, TABLES[noun], id))) return false
    const own = await lockScheduledOf(tx, { noun, id, ids })
    const waiting = await deleteDue(tx, own)
    await updateCancelled(tx, waiting, `${noun}_archived`)
    return true
  })

import type { Context } from '../context.ts'
import type { Tx } from '../db/database.ts'
import { shareOf } from '../deliveries/outcome.ts'
import type { Uuid } from '../kit/ids.ts'
import { asLeader } from './leader.ts'
import { deleteEndedBatches, lockStranded, returnStranded } from './takeover-store.ts'
import { sortWakes, wakeOf } from './wake.ts'

const BATCHES_MAX = 100

type TakeoverContext = Pick<Context, 'db' | 'catalogue' | 'log'>

/**
 * Brings what travelled under ended leases back to `due`, until nothing of it is left: jobs that were lost, workers that
 * died, froze or were cut off. Call it only after quietMs of unbroken sweeps, else a Postgres outage would send
 * everything in flight twice. Returns the number of batches.
 */
export async function takeOver(ctx: TakeoverContext, holder: Uuid, quietMs: number): Promise<number> {
  let taken = 0
  for (;;) {
    const batches = (await asLeader(ctx, holder, (tx) => takeOverSome(ctx, tx, quietMs))) ?? 0
    taken += batches
    if (batches < BATCHES_MAX) break
  }
  if (taken > 0) ctx.log.info({ batches: taken }, 'batches without an end of their own were taken over')
  return taken
}

async function takeOverSome(ctx: TakeoverContext, tx: Tx, quietMs: number): Promise<number> {
  const { batches, rows } = await deleteEndedBatches(tx, { quietMs, batchesMax: BATCHES_MAX })
  if (rows.length === 0) return batches
  const suspects = new Set(rows.filter((row) => row.suspect).map((row) => row.deliveryId))
  const stranded = await lockStranded(
    tx,
    rows.map((row) => row.deliveryId),
  )
  const waiting = stranded.filter((row) => row.nextId === null)
  const superseded = stranded.filter((row) => row.nextId !== null)
  await returnStranded(tx, {
    due: waiting.map((row) => ({
      deliveryId: row.deliveryId,
      destinationId: row.destinationId,
      share: shareOf(row, false),
      suspect: suspects.has(row.deliveryId),
    })),
    superseded: superseded.map((row) => row.deliveryId),
    wakes: sortWakes(
      superseded.flatMap(({ nextId, destinationId }) =>
        nextId === null ? [] : [wakeOf(ctx.catalogue, nextId, destinationId)],
      ),
    ),
  })
  return batches
}

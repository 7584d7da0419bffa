import type { Context } from '../context.ts'
import type { Uuid } from '../kit/ids.ts'
import { countWaiting, listPacedLanes, makeDirect } from './lane-store.ts'

const DIRECT_AFTER_MS = 10_000

/** Since when each paced lane had no backlog, monotonic ms. */
export type CalmLanes = Map<Uuid, number>

/**
 * Gives paced lanes back to the fast path once they had no backlog for 10 s. A row counts as backlog when it has been
 * due for over a second: what the next sweep takes anyway does not. For the leader, each second.
 */
export async function releaseCalmLanes(ctx: Pick<Context, 'db' | 'clock'>, calm: CalmLanes): Promise<void> {
  const nowMs = ctx.clock.monotonicMs()
  const lanes = await listPacedLanes(ctx.db.reads)
  const busy = new Set(lanes.filter((lane) => lane.hasBacklog).map((lane) => lane.destinationId))
  const paced = new Set(lanes.map((lane) => lane.destinationId))
  for (const id of calm.keys()) if (busy.has(id) || !paced.has(id)) calm.delete(id)
  for (const id of paced) if (!busy.has(id) && !calm.has(id)) calm.set(id, nowMs)
  const direct = [...calm].filter(([, sinceMs]) => nowMs - sinceMs >= DIRECT_AFTER_MS).map(([id]) => id)
  if (direct.length > 0) await makeDirect(ctx.db.reads, direct)
}

const COUNT_EVERY_MS = 10_000
const COUNT_SHARE = 50

/** Counts the backlog of every destination into lanes.waiting and returns the ms until the next count is worth it. */
export async function countBacklog(ctx: Pick<Context, 'db' | 'clock'>): Promise<number> {
  const startedMs = ctx.clock.monotonicMs()
  await countWaiting(ctx.db.reads)
  return Math.max(COUNT_EVERY_MS, COUNT_SHARE * (ctx.clock.monotonicMs() - startedMs))
}

import type { Logger } from 'pino'
import type { Context } from '../context.ts'
import { isUnavailable } from '../db/database.ts'
import type { Uuid } from '../kit/ids.ts'
import type { Roads } from './roads.ts'
import { type LaneMode, listLanesNotDirect } from './store.ts'

const POLL_EVERY_MS = 1000

export type LaneRoads = Roads & {
  /** The mode of the lane as of the last poll; a block that has ended shows as the mode it returns to. */
  mode(destinationId: Uuid): LaneMode
  /** Reads Postgres now. Rejects if it does not answer; the last view stays. */
  refresh(): Promise<void>
}

/**
 * Watches the lanes that are not direct, once a second. Before the first poll every lane counts as direct, which is
 * harmless: a claim reads the lanes again.
 */
export function createRoads(
  ctx: { db: Pick<Context['db'], 'reads'>; log: Logger },
  onChange: () => void = () => {},
): LaneRoads {
  let lanes: ReadonlyMap<Uuid, LaneMode> = new Map()
  let closed = false
  let timer: NodeJS.Timeout | undefined

  const refresh = async (): Promise<void> => {
    lanes = await listLanesNotDirect(ctx.db.reads)
    onChange()
  }
  const poll = async (): Promise<void> => {
    await refresh().catch((err: unknown) => {
      if (!isUnavailable(err) && !closed) ctx.log.error({ err }, 'lanes could not be read')
    })
    if (!closed) timer = setTimeout(poll, POLL_EVERY_MS)
  }
  void poll()

  return {
    mode: (destinationId) => lanes.get(destinationId) ?? 'direct',
    isDirect: (destinationId) => !lanes.has(destinationId),
    refresh,
    async close() {
      closed = true
      clearTimeout(timer)
    },
  }
}

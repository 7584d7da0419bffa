import { setTimeout as wait } from 'node:timers/promises'
import { withControlWrite } from '../catalogue/control-write.ts'
import type { Context } from '../context.ts'
import { isUnavailable } from '../db/database.ts'
import { openAlert } from '../dispatch/alert-store.ts'
import { encodeId, newUuid, type Uuid } from '../kit/ids.ts'
import { updateDestinationDisabled } from './store.ts'

const RETRY_EVERY_MS = 250

/**
 * A receiver answered 410: its destination is disabled by a write that holds for every later claim, and what waits for
 * it is held until somebody resumes it, whom an alert tells so. Tries again while Postgres is away; a destination that is not
 * active any more stays as it is.
 */
export async function disableDestination(
  ctx: Pick<Context, 'db' | 'catalogue' | 'clock' | 'log'>,
  destinationId: Uuid,
): Promise<void> {
  if (ctx.catalogue.destination(destinationId)?.state !== 'active') return
  for (;;) {
    try {
      if (await disable(ctx, destinationId))
        ctx.log.warn(
          { event: 'destination_disabled', destination: encodeId('destination', destinationId) },
          'a destination was disabled: its tracker answered 410, its deliveries are held until it is resumed',
        )
      return
    } catch (error) {
      if (!isUnavailable(error)) throw error
      await wait(RETRY_EVERY_MS)
    }
  }
}

const disable = (ctx: Pick<Context, 'db' | 'catalogue' | 'clock'>, destinationId: Uuid): Promise<boolean> =>
  withControlWrite(ctx, async (tx, version) => {
    const isDone = await updateDestinationDisabled(tx, destinationId, version)
    const id = newUuid(ctx.clock.nowMs())
    if (isDone) await openAlert(tx, { id, kind: 'destination_disabled', destinationId })
    return isDone
  })

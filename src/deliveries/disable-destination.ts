import { setTimeout as wait } from 'node:timers/promises'
import type { Destination } from '../catalogue/catalogue.ts'
import { withControlWrite } from '../catalogue/control-write.ts'
import type { Context } from '../context.ts'
import { isUnavailable } from '../db/database.ts'
import { openAlert } from '../dispatch/alert-store.ts'
import { encodeId, newUuid } from '../kit/ids.ts'
import { updateDestinationDisabled } from './store.ts'

const RETRY_EVERY_MS = 250

type Called = Pick<Destination, 'id' | 'version'>

/**
 * A receiver answered 410 to a call of this version of its destination: that is disabled by a write that holds for every
 * later claim, and what waits for it is held until somebody resumes it, whom an alert tells so. Tries again while Postgres is
 * away. One that is not active any more, or was corrected since, stays as it is.
 */
export async function disableDestination(
  ctx: Pick<Context, 'db' | 'catalogue' | 'clock' | 'log'>,
  called: Called,
): Promise<void> {
  const present = ctx.catalogue.destination(called.id)
  if (present?.state !== 'active' || present.version !== called.version) return
  for (;;) {
    try {
      if (await disable(ctx, called))
        ctx.log.warn(
          { event: 'destination_disabled', destination: encodeId('destination', called.id) },
          'a destination was disabled: its tracker answered 410, its deliveries are held until it is resumed',
        )
      return
    } catch (error) {
      if (!isUnavailable(error)) throw error
      await wait(RETRY_EVERY_MS)
    }
  }
}

const disable = (ctx: Pick<Context, 'db' | 'catalogue' | 'clock'>, called: Called): Promise<boolean> =>
  withControlWrite(ctx, async (tx, changedIn) => {
    const isDone = await updateDestinationDisabled(tx, called, changedIn)
    const alert = { id: newUuid(ctx.clock.nowMs()), kind: 'destination_disabled' } as const
    if (isDone) await openAlert(tx, { ...alert, destinationId: called.id })
    return isDone
  })

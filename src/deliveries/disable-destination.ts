import { setTimeout as wait } from 'node:timers/promises'
import { withControlWrite } from '../catalogue/control-write.ts'
import type { Context } from '../context.ts'
import { isUnavailable } from '../db/database.ts'
import type { Uuid } from '../kit/ids.ts'
import { updateDestinationDisabled } from './store.ts'

const RETRY_EVERY_MS = 250

/**
 * A receiver answered 410: its destination is disabled by a write that holds for every later claim, and what waits for
 * it is held. Tries again while Postgres is away; a destination that is not active any more stays as it is.
 */
export async function disableDestination(
  ctx: Pick<Context, 'db' | 'catalogue'>,
  destinationId: Uuid,
): Promise<void> {
  if (ctx.catalogue.destination(destinationId)?.state !== 'active') return
  for (;;) {
    try {
      await withControlWrite(ctx, (tx, version) => updateDestinationDisabled(tx, destinationId, version))
      return
    } catch (error) {
      if (!isUnavailable(error)) throw error
      await wait(RETRY_EVERY_MS)
    }
  }
}

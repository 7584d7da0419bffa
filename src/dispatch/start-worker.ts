import type { Context } from '../context.ts'
import { newUuid } from '../kit/ids.ts'
import { startDelivering } from './start-delivering.ts'
import { startRetention } from './start-retention.ts'
import { startSweeping } from './start-sweeping.ts'

/**
 * Everything a worker process does: delivers, stands by to sweep, keeps the storage in order. `close` gives back what
 * is not started and waits for open calls, at most SHUTDOWN_GRACE_MS.
 */
export function startWorker(ctx: Context): { close(): Promise<void> } {
  // Made anew at each start: a claim of a dead process is never taken for one of its successor's.
  const id = newUuid(ctx.clock.nowMs())
  const delivering = startDelivering(ctx, { id })
  const sweeping = startSweeping(ctx, id)
  const retention = startRetention(ctx)
  return {
    async close() {
      await Promise.all([sweeping.close(), delivering.close(), retention.close()])
    },
  }
}

import type { Context } from '../context.ts'
import { hasFailed } from '../deliveries/lane-changes.ts'
import type { Outcome } from '../deliveries/outcome.ts'
import type { Uuid } from '../kit/ids.ts'
import { createBreakerWindow } from './breaker-window.ts'
import { openBreaker } from './open-breaker.ts'

/** The breakers of one worker: each process judges by the calls that it made itself. */
export type Breakers = {
  note(outcome: Outcome): void
  forgetIdle(): void
}

/** onOpen: what waits in this lane should go back. */
export function createBreakers(
  ctx: Pick<Context, 'db' | 'log' | 'clock' | 'catalogue'>,
  onOpen: (destinationId: Uuid) => void,
): Breakers {
  const window = createBreakerWindow(ctx.clock)
  const opening = new Set<Uuid>()

  const open = async (destinationId: Uuid): Promise<void> => {
    opening.add(destinationId)
    try {
      await openBreaker(ctx, destinationId)
      window.forget(destinationId)
    } catch (err) {
      ctx.log.warn({ err }, 'a breaker could not be opened; the next failure tries again')
    } finally {
      opening.delete(destinationId)
    }
  }

  return {
    note(outcome) {
      const { destinationId } = outcome.row
      const failed = hasFailed(outcome)
      if (failed === null || !window.note(destinationId, failed) || opening.has(destinationId)) return
      onOpen(destinationId)
      void open(destinationId)
    },
    forgetIdle: window.forgetIdle,
  }
}

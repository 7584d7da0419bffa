import type { Context } from '../context.ts'
import { withTx } from '../db/database.ts'
import { encodeId } from '../kit/ids.ts'
import { readWorkerPressure } from '../queue/store.ts'
import { closeAlerts } from './alert-store.ts'
import { laneRate } from './limits.ts'
import { nextRampRate } from './recovery.ts'
import { lockEndedRampSeconds, rampLanes } from './recovery-store.ts'

/** Gives the lanes that recover their rate for the next second. For the leader, each second; twice changes nothing. */
export async function stepRamps(ctx: Pick<Context, 'db' | 'log' | 'catalogue'>): Promise<void> {
  const steps = await withTx(ctx.db.results, async (tx) => {
    const ramps = await lockEndedRampSeconds(tx)
    if (ramps.length === 0) return []
    const { waitsMs } = await readWorkerPressure(tx)
    const next = ramps.map((ramp) => ({
      destinationId: ramp.destinationId,
      rate: nextRampRate(
        { ...ramp, freshWaitMs: waitsMs.deliver },
        laneRate(ctx.catalogue.destination(ramp.destinationId)?.definition ?? {}),
      ),
    }))
    await rampLanes(tx, next)
    const recovered = next.filter((step) => step.rate === null)
    if (recovered.length > 0)
      await closeAlerts(tx, {
        kind: 'breaker_open',
        destinationIds: recovered.map((step) => step.destinationId),
      })
    return next
  })
  for (const { destinationId, rate } of steps)
    if (rate === null)
      ctx.log.info(
        { event: 'breaker_closed', destination: encodeId('destination', destinationId) },
        'a breaker closed: the destination has recovered',
      )
}

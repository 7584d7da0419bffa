import type { Context } from '../context.ts'
import { createResultFlush } from '../deliveries/flush-results.ts'
import { fail, giveBack, type Outcome } from '../deliveries/outcome.ts'
import { type SendContext, sendDelivery } from '../deliveries/send.ts'
import { createSuspectRoom } from '../deliveries/suspect-room.ts'
import { toError } from '../kit/app-error.ts'
import type { Uuid } from '../kit/ids.ts'
import { leaseBounds } from './batches.ts'
import { createBreakers } from './breakers.ts'
import { createRoads } from './create-roads.ts'
import type { DeliveryWorker, LaneRow } from './delivery-worker.ts'
import { createInFlight, type InFlight } from './in-flight.ts'
import { createLanes, type StartEnd } from './lanes.ts'
import { createLiveBatches, ROWS_MAX } from './live-batches.ts'
import { reviewLanes } from './review-lanes.ts'
import { createStoreTime } from './store-time.ts'

export type DeliveringContext = Omit<Context, 'roads'>

export type RunningWorker = DeliveryWorker & {
  /** Open calls and claims under way. */
  readonly inFlight: InFlight
  /** From here on nothing starts; what waits in the lanes goes back. */
  stop(): void
  /** Resolves when every outcome is committed. */
  drained(): Promise<void>
  close(): Promise<void>
}

/** Puts the parts of a delivering process together; its timers and jobs are started by startDelivering. */
export function createDeliveryWorker(
  ctx: DeliveringContext,
  { id, random }: { id: Uuid; random(): number },
): RunningWorker {
  const bounds = leaseBounds(ctx.config)
  const live = createLiveBatches(ctx.clock, bounds)
  const flush = createResultFlush(ctx, { workerId: id, live })
  const suspects = createSuspectRoom(ctx)
  const storeTime = createStoreTime(ctx.clock)
  const inFlight = createInFlight()
  let stopping = false
  const send: SendContext = {
    ...ctx,
    suspects,
    random,
    mayStart: (row) => !stopping && live.mayStart(row.batch),
    storeNowMs: storeTime.nowMs,
  }
  const start = async (laneRow: LaneRow): Promise<StartEnd> => {
    const outcome = await sendOrFail(send, laneRow)
    flush.push(outcome)
    const { destinationId } = outcome.row
    if (isAskedToWait(outcome)) giveBackWaiting((id) => id === destinationId)
    breakers.note(outcome)
    return outcome.attempt?.verdict ?? null
  }
  const lanes = createLanes<LaneRow>({
    runningMax: ctx.config.deliveryConcurrency,
    unprovenRowsMax: ROWS_MAX / 4,
    clock: ctx.clock,
    start: (laneRow) => inFlight.track(start(laneRow)),
  })
  const breakers = createBreakers(ctx, (destinationId) => giveBackWaiting((id) => id === destinationId))
  const giveBackWaiting = (test: (destinationId: Uuid) => boolean): void => {
    for (const { row } of lanes.takeWaiting(test)) flush.push(giveBack(row))
  }
  const roads = createRoads(ctx, () => reviewLanes(worker))
  const worker: RunningWorker = {
    ...{ id, ctx, bounds, live, lanes, roads, breakers, inFlight },
    claiming: new Set(),
    waitsMs: { deliver: 0, 'deliver-again': 0 },
    finish: flush.push,
    noteStoreTime: storeTime.note,
    isStopping: () => stopping,
    stop() {
      stopping = true
      live.close()
      giveBackWaiting(() => true)
    },
    drained: flush.drained,
    async close() {
      await roads.close()
      await suspects.close()
    },
  }
  return worker
}

/** A bug of ours ends the row, visibly and replayable, instead of the process or a loop. */
async function sendOrFail(send: SendContext, { row, loaded }: LaneRow): Promise<Outcome> {
  try {
    return await sendDelivery(send, row, loaded)
  } catch (err) {
    send.log.error({ err, delivery: row.facts.deliveryId }, 'a delivery failed inside the relay')
    return fail(row, 'internal_error', toError(err).message.slice(0, 200))
  }
}

const isAskedToWait = ({ next }: Outcome): boolean =>
  next.state === 'scheduled' && next.reason === 'receiver_asked'

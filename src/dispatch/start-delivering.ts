import { hostname } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import type { Context } from '../context.ts'
import { isUnavailable } from '../db/database.ts'
import { createResultFlush } from '../deliveries/flush-results.ts'
import { fail, giveBack, type Outcome } from '../deliveries/outcome.ts'
import { type SendContext, sendDelivery } from '../deliveries/send.ts'
import { createSuspectRoom } from '../deliveries/suspect-room.ts'
import { toError } from '../kit/app-error.ts'
import type { Uuid } from '../kit/ids.ts'
import { leaseBounds } from './batches.ts'
import { createRoads } from './create-roads.ts'
import { deliverBatch } from './deliver-batch.ts'
import type { DeliveryWorker, LaneRow } from './delivery-worker.ts'
import { createLanes, type StartEnd } from './lanes.ts'
import { createLiveBatches } from './live-batches.ts'
import { renewLeases } from './renew-leases.ts'
import { repeat } from './repeat.ts'
import { reviewLanes } from './review-lanes.ts'
import { deleteHeartbeat, upsertHeartbeat } from './store.ts'

const SECOND_MS = 1000
const STOP_RESERVE_MS = 3000

export type DeliveringContext = Omit<Context, 'roads'>
export type Delivering = { close(): Promise<void> }

/** Takes jobs from both queues and carries their batches out, until it is closed. `id` names this process' claims. */
export function startDelivering(
  ctx: DeliveringContext,
  { id, random = Math.random }: { id: Uuid; random?: () => number },
): Delivering {
  const worker = createWorker(ctx, { id, random })
  const log = (message: string) => (err: unknown) => {
    if (!isUnavailable(err)) ctx.log.error({ err }, message)
  }
  const timers = [
    repeat(SECOND_MS, () => beat(worker), log('the heartbeat could not be written')),
    repeat(worker.bounds.renewEveryMs, () => renewLeases(worker), log('leases could not be renewed')),
  ]
  const jobs = ctx.queues.work((queue, batchId) => worker.track(deliverBatch(worker, queue, batchId)))
  return {
    async close() {
      worker.stop()
      // The queue's own goodbye may hang with its backend away, so nothing waits for it longer than for the rest.
      const closed = jobs.close()
      for (const { row } of worker.lanes.takeWaiting(() => true)) worker.finish(giveBack(row))
      const deadline = wait(ctx.config.shutdownGraceMs - STOP_RESERVE_MS, undefined, { ref: false })
      await Promise.race([worker.idle(), deadline])
      await Promise.race([
        Promise.all([worker.drained(), closed]),
        wait(SECOND_MS, undefined, { ref: false }),
      ])
      for (const timer of timers) timer.stop()
      await worker.roads.close()
      await worker.closeSuspects()
      await deleteHeartbeat(ctx.db.reads, id).catch(() => undefined)
    },
  }
}

type RunningWorker = DeliveryWorker & {
  stop(): void
  track<T>(work: Promise<T>): Promise<T>
  /** Resolves when no call is open and no claim under way. */
  idle(): Promise<void>
  drained(): Promise<void>
  closeSuspects(): Promise<void>
}

function createWorker(ctx: DeliveringContext, { id, random }: { id: Uuid; random(): number }): RunningWorker {
  const bounds = leaseBounds(ctx.config)
  const live = createLiveBatches(ctx.clock, bounds)
  const flush = createResultFlush(ctx, { workerId: id, live })
  const suspects = createSuspectRoom(ctx)
  const storeTime = createStoreTime(ctx)
  const open = new Set<Promise<unknown>>()
  let stopping = false
  const track = <T>(work: Promise<T>): Promise<T> => {
    open.add(work)
    const done = (): unknown => open.delete(work)
    work.then(done, done)
    return work
  }
  const send: SendContext = {
    ...ctx,
    suspects,
    random,
    mayStart: (row) => !stopping && live.mayStart(row.batch),
    storeNowMs: storeTime.nowMs,
  }

  const start = async (laneRow: LaneRow): Promise<StartEnd> => {
    const outcome = await sendOrFail(ctx, send, laneRow)
    flush.push(outcome)
    if (isAskedToWait(outcome)) giveBackWaiting(outcome.row.destinationId)
    return outcome.attempt?.verdict ?? null
  }
  const lanes = createLanes<LaneRow>({
    runningMax: ctx.config.deliveryConcurrency,
    clock: ctx.clock,
    start: (row) => track(start(row)),
  })
  const giveBackWaiting = (destinationId: Uuid): void => {
    for (const { row } of lanes.takeWaiting((one) => one === destinationId)) flush.push(giveBack(row))
  }
  const worker: RunningWorker = {
    id,
    ctx,
    bounds,
    live,
    lanes,
    roads: createRoads(ctx, () => reviewLanes(worker)),
    claiming: new Set(),
    waitsMs: { deliver: 0, 'deliver-again': 0 },
    finish: flush.push,
    noteStoreTime: storeTime.note,
    isStopping: () => stopping,
    track,
    stop() {
      stopping = true
      live.close()
    },
    async idle() {
      while (open.size > 0) await Promise.allSettled(open)
    },
    drained: flush.drained,
    closeSuspects: suspects.close,
  }
  return worker
}

/** A bug of ours ends the row, visibly and replayable, instead of the process or a loop. */
async function sendOrFail(
  ctx: DeliveringContext,
  send: SendContext,
  { row, loaded }: LaneRow,
): Promise<Outcome> {
  try {
    return await sendDelivery(send, row, loaded)
  } catch (err) {
    ctx.log.error({ err, delivery: row.facts.deliveryId }, 'a delivery failed inside the relay')
    return fail(row, 'internal_error', toError(err).message.slice(0, 200))
  }
}

const isAskedToWait = ({ next }: Outcome): boolean =>
  next.state === 'scheduled' && next.reason === 'receiver_asked'

async function beat({ ctx, id, live, lanes, waitsMs }: DeliveryWorker): Promise<void> {
  const waits = {
    deliver: Math.round(Math.max(waitsMs.deliver, live.roomWaitMs('deliver'))),
    'deliver-again': Math.round(Math.max(waitsMs['deliver-again'], live.roomWaitMs('deliver-again'))),
  }
  waitsMs.deliver = 0
  waitsMs['deliver-again'] = 0
  lanes.forgetIdle()
  await upsertHeartbeat(ctx.db.reads, {
    id,
    host: hostname(),
    pid: process.pid,
    rowsInMemory: live.rowsInMemory(),
    waitsMs: waits,
  })
}

/** Postgres' clock as of the last claim, moved on by our monotonic one. */
function createStoreTime({ clock }: Pick<Context, 'clock'>): {
  nowMs(): number
  note(storeNowMs: number): void
} {
  let noted: { storeNowMs: number; atMs: number } | null = null
  return {
    note(storeNowMs) {
      noted = { storeNowMs, atMs: clock.monotonicMs() }
    },
    nowMs: () => (noted === null ? clock.nowMs() : noted.storeNowMs + clock.monotonicMs() - noted.atMs),
  }
}

import type { Context } from '../context.ts'
import { isUnavailable, withTx } from '../db/database.ts'
import { settleDue } from '../intake/settle.ts'
import type { Uuid } from '../kit/ids.ts'
import { TRANSIT_LEASE_MS } from './batches.ts'
import { type CalmLanes, countBacklog, releaseCalmLanes } from './keep-lanes.ts'
import { deleteOldStarts } from './recovery-store.ts'
import { repeat } from './repeat.ts'
import { stepRamps } from './step-ramps.ts'
import { newSweepState, sweep } from './sweep.ts'
import { endLead } from './sweep-store.ts'
import { takeOver } from './takeover.ts'

export type SweepTimes = {
  transitLeaseMs: number
  /** Sweeps must have succeeded without a break, and Postgres must have run, for so long before leases are ended. */
  takeoverQuietMs: number
}

const TIMES: SweepTimes = { transitLeaseMs: TRANSIT_LEASE_MS, takeoverQuietMs: 15_000 }

/** A pause between sweeps that is longer by this is a break: the process was frozen. */
const BREAK_MS = 2000
/** A sweep that takes longer is one too: it was frozen in the middle, or Postgres was. */
const SWEEP_MS_MAX = 5000
/** So long a sweeper leads without its queue, of every so many ms: else it would keep the lead from one that has it. */
const QUEUELESS_MS = 5000
const QUEUELESS_EVERY_MS = 15_000
const SECOND_MS = 1000

export type Sweeping = { close(): Promise<void> }

/**
 * One sweeper leads over all processes: it is retry scheduler, crash recovery, release of held work and replay engine at
 * once. The others stand by; one of them leads at once where the leader is closed, and within 5 s where it died.
 */
export function startSweeping(ctx: Context, holder: Uuid, times: SweepTimes = TIMES): Sweeping {
  const { clock } = ctx
  const { sweepIntervalMs } = ctx.config
  const state = newSweepState()
  const calm: CalmLanes = new Map()
  let isLeader = false
  let unbrokenSinceMs = clock.monotonicMs()
  let tickedAtMs = unbrokenSinceMs
  let countAtMs = 0
  let queuelessSinceMs: number | null = null

  /** Leads no longer, so that another may: the lead ends by itself. */
  const standsBack = (nowMs: number): boolean => {
    const isQueueless = ctx.queues.problem() !== null && ctx.queues.room('deliver-again') === 0
    if (!isQueueless) queuelessSinceMs = null
    else queuelessSinceMs ??= nowMs
    return queuelessSinceMs !== null && (nowMs - queuelessSinceMs) % QUEUELESS_EVERY_MS >= QUEUELESS_MS
  }
  const lead = async (): Promise<void> => {
    const startedMs = clock.monotonicMs()
    if (standsBack(startedMs)) {
      isLeader = false
      return
    }
    const made = await sweep(ctx, { holder, state, transitLeaseMs: times.transitLeaseMs })
    const nowMs = clock.monotonicMs()
    const isBroken = startedMs - tickedAtMs > sweepIntervalMs + BREAK_MS || nowMs - startedMs > SWEEP_MS_MAX
    if (isBroken) unbrokenSinceMs = nowMs
    isLeader = made !== null
    if (isLeader && nowMs - unbrokenSinceMs >= times.takeoverQuietMs)
      await takeOver(ctx, holder, times.takeoverQuietMs)
  }
  const tick = (): Promise<void> =>
    lead().finally(() => {
      tickedAtMs = clock.monotonicMs()
    })
  const keepLanes = async (): Promise<void> => {
    if (!isLeader) return
    await stepRamps(ctx)
    await deleteOldStarts(ctx.db.reads)
    await releaseCalmLanes(ctx, calm)
    if (clock.monotonicMs() >= countAtMs) countAtMs = clock.monotonicMs() + (await countBacklog(ctx))
  }
  const settle = async (): Promise<void> => {
    if (isLeader) await settleDue(ctx)
  }
  const log = (message: string) => (err: unknown) => {
    if (!isUnavailable(err)) ctx.log.error({ err }, message)
  }
  const loops = [
    repeat(sweepIntervalMs, tick, (err) => {
      isLeader = false
      unbrokenSinceMs = clock.monotonicMs()
      log('the sweep failed')(err)
    }),
    repeat(SECOND_MS, keepLanes, log('lanes could not be kept')),
    repeat(sweepIntervalMs, settle, log('parked conversions could not be settled')),
  ]
  return {
    async close() {
      await Promise.all(loops.map((loop) => loop.stop()))
      // Where this fails the lead ends by itself.
      if (isLeader) await withTx(ctx.db.results, (tx) => endLead(tx, holder)).catch(() => undefined)
    },
  }
}

import type { Context } from '../context.ts'
import { isUnavailable } from '../db/database.ts'
import { settleDue } from '../intake/settle.ts'
import type { Uuid } from '../kit/ids.ts'
import { TRANSIT_LEASE_MS } from './batches.ts'
import { type CalmLanes, countBacklog, releaseCalmLanes } from './keep-lanes.ts'
import { deleteOldStarts } from './recovery-store.ts'
import { repeat } from './repeat.ts'
import { stepRamps } from './step-ramps.ts'
import { newSweepState, sweep } from './sweep.ts'
import { takeOver } from './takeover.ts'

export type SweepTimes = {
  transitLeaseMs: number
  /** Sweeps must have succeeded without a break, and Postgres must have run, for so long before leases are ended. */
  takeoverQuietMs: number
}

const TIMES: SweepTimes = { transitLeaseMs: TRANSIT_LEASE_MS, takeoverQuietMs: 15_000 }

/** Sweeps further apart than this are not unbroken: the process was frozen, or waited for Postgres. */
const BREAK_MS = 2000
const SECOND_MS = 1000

export type Sweeping = { close(): Promise<void> }

/**
 * One sweeper leads over all processes: it is retry scheduler, crash recovery, release of held work and replay engine at
 * once. The others stand by; each may become leader within 5 s.
 */
export function startSweeping(ctx: Context, holder: Uuid, times: SweepTimes = TIMES): Sweeping {
  const { clock } = ctx
  const state = newSweepState()
  const calm: CalmLanes = new Map()
  let isLeader = false
  let unbrokenSinceMs = clock.monotonicMs()
  let sweptAtMs = unbrokenSinceMs
  let countAtMs = 0

  const noteSweep = (succeeded: boolean): void => {
    const nowMs = clock.monotonicMs()
    if (!succeeded || nowMs - sweptAtMs > BREAK_MS) unbrokenSinceMs = nowMs
    sweptAtMs = nowMs
  }
  const tick = async (): Promise<void> => {
    const made = await sweep(ctx, { holder, state, transitLeaseMs: times.transitLeaseMs })
    noteSweep(true)
    isLeader = made !== null
    if (isLeader && clock.monotonicMs() - unbrokenSinceMs >= times.takeoverQuietMs)
      await takeOver(ctx, holder, times.takeoverQuietMs)
  }
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
  const { sweepIntervalMs } = ctx.config
  const loops = [
    repeat(sweepIntervalMs, tick, (err) => {
      isLeader = false
      noteSweep(false)
      log('the sweep failed')(err)
    }),
    repeat(SECOND_MS, keepLanes, log('lanes could not be kept')),
    repeat(sweepIntervalMs, settle, log('parked conversions could not be settled')),
  ]
  return {
    async close() {
      await Promise.all(loops.map((loop) => loop.stop()))
    },
  }
}

import type { Tx } from '../db/database.ts'
import type { Uuid } from '../kit/ids.ts'
import { nextBackoffMs, rampStart } from './recovery.ts'
import { addRampResults, lockRecoveringLanes, openLane, rampLanes } from './recovery-store.ts'

/** What the calls of one destination that the sweeper had released came to. */
export type LaneResult = {
  destinationId: Uuid
  /** Rows per second of the lane when it recovers from nothing. */
  laneRate: number
  ok: number
  bad: number
  /** The receiver asked to wait: no failure of a probe, but a sign that a ramp is too fast. */
  asked: number
}

/** Moves the lanes that recover: a probe that was answered starts the ramp, one that failed keeps the breaker open for longer. */
export async function noteResults(tx: Tx, results: readonly LaneResult[]): Promise<void> {
  const ofLane = new Map(results.map((result) => [result.destinationId, result]))
  const locked = await lockRecoveringLanes(tx, [...ofLane.keys()])
  const ramps: { destinationId: Uuid; rate: number }[] = []
  const counts: { destinationId: Uuid; ok: number; bad: number }[] = []
  for (const { destinationId, isBlocked, recovery, backedOffMs } of locked) {
    const result = ofLane.get(destinationId)
    if (isBlocked || result === undefined) continue
    const { ok, bad, asked } = result
    if (recovery === 'ramping') counts.push({ destinationId, ok, bad: bad + asked })
    else if (ok > 0) ramps.push({ destinationId, rate: rampStart(result.laneRate) })
    else if (bad > 0) await openLane(tx, destinationId, nextBackoffMs(backedOffMs))
  }
  if (ramps.length > 0) await rampLanes(tx, ramps)
  if (counts.length > 0) await addRampResults(tx, counts)
}

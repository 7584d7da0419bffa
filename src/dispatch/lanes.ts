import type { Clock } from '../kit/clock.ts'
import type { Uuid } from '../kit/ids.ts'
import { canStart, concurrencyAfter, createLane, hasPlace, isIdle, isProven, type Lane } from './lane.ts'

/** How a start ended: a verdict of a call, or null where none was made. */
export type StartEnd = 'delivered' | 'refused' | 'retry' | null

export type Lanes<Row> = {
  /**
   * False: the lane is full. `released` rows were let go by the sweeper alone and always find a place. callsMax: open
   * calls that the destination allows; null leaves the lane to what it learned.
   */
  admit(destinationId: Uuid, row: Row, released: boolean, callsMax?: number | null): boolean
  /** Takes waiting rows out of all lanes: those of destinations for which `test` is true. */
  takeWaiting(test: (destinationId: Uuid, row: Row) => boolean): Row[]
  running(): number
  /** Forgets lanes that were idle for long. */
  forgetIdle(): void
}

type Options<Row> = {
  /** Open calls over all lanes. */
  runningMax: number
  clock: Clock
  /** Must not reject. */
  start(row: Row): Promise<StartEnd>
}

/**
 * Starts waiting rows: destinations take turns, each within its own concurrency, all within runningMax, and those
 * without a recent success within half of it, so that a few dead trackers can not take all sockets.
 */
export function createLanes<Row>(options: Options<Row>): Lanes<Row> {
  const { clock, runningMax } = options
  const unprovenMax = Math.max(1, Math.floor(runningMax / 2))
  const lanes = new Map<Uuid, Lane<Row>>()
  // Lanes with a row that could start now, in turn order; a Set keeps insertion order.
  const ready = { proven: new Set<Lane<Row>>(), unproven: new Set<Lane<Row>>() }
  let running = 0
  let runningUnproven = 0
  let unprovenFirst = false

  const laneOf = (destinationId: Uuid): Lane<Row> => {
    const known = lanes.get(destinationId)
    if (known !== undefined) return known
    const lane = createLane<Row>(destinationId, clock.monotonicMs())
    lanes.set(destinationId, lane)
    return lane
  }

  const queueUp = (lane: Lane<Row>): void => {
    ready.proven.delete(lane)
    ready.unproven.delete(lane)
    if (!canStart(lane)) return
    ready[isProven(lane, clock.monotonicMs()) ? 'proven' : 'unproven'].add(lane)
  }

  const nextLane = (): { lane: Lane<Row>; unproven: boolean } | null => {
    const proven = first(ready.proven)
    const unproven = runningUnproven < unprovenMax ? first(ready.unproven) : undefined
    if (unproven !== undefined && (proven === undefined || unprovenFirst))
      return { lane: unproven, unproven: true }
    return proven === undefined ? null : { lane: proven, unproven: false }
  }

  const pump = (): void => {
    while (running < runningMax) {
      const next = nextLane()
      if (next === null) return
      unprovenFirst = !next.unproven
      const row = next.lane.waiting.shift()
      if (row !== undefined) void startRow(next.lane, row, next.unproven)
      queueUp(next.lane)
    }
  }

  const startRow = async (lane: Lane<Row>, row: Row, unproven: boolean): Promise<void> => {
    running++
    lane.running++
    if (unproven) runningUnproven++
    const end = await options.start(row)
    running--
    lane.running--
    if (unproven) runningUnproven--
    lane.usedAtMs = clock.monotonicMs()
    if (end !== null) lane.concurrency = concurrencyAfter(lane.concurrency, end)
    if (end === 'delivered') lane.deliveredAtMs = lane.usedAtMs
    queueUp(lane)
    pump()
  }

  return {
    admit(destinationId, row, released, callsMax = null) {
      const lane = laneOf(destinationId)
      lane.callsMax = callsMax
      if (!released && !hasPlace(lane)) return false
      lane.waiting.push(row)
      if (lane.waiting.length === 1 || (!ready.proven.has(lane) && !ready.unproven.has(lane))) queueUp(lane)
      pump()
      return true
    },
    takeWaiting(test) {
      const taken: Row[] = []
      for (const lane of lanes.values()) {
        if (lane.waiting.length === 0) continue
        const kept: Row[] = []
        for (const row of lane.waiting) (test(lane.destinationId, row) ? taken : kept).push(row)
        lane.waiting = kept
        queueUp(lane)
      }
      return taken
    },
    running: () => running,
    forgetIdle() {
      const nowMs = clock.monotonicMs()
      for (const lane of lanes.values()) if (isIdle(lane, nowMs)) lanes.delete(lane.destinationId)
    },
  }
}

const first = <T>(set: ReadonlySet<T>): T | undefined => {
  for (const one of set) return one
  return undefined
}

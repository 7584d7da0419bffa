import type { Clock } from '../kit/clock.ts'
import type { Uuid } from '../kit/ids.ts'
import {
  answerMsAfter,
  answersNow,
  canStart,
  concurrencyAfter,
  createLane,
  hasPlace,
  isIdle,
  isProven,
  isSlow,
  type Lane,
} from './lane.ts'

/** How a start ended: a verdict of a call, or null where none was made. */
export type StartEnd = 'delivered' | 'refused' | 'retry' | null

/** `full`: more comes for this destination than it takes; `crowded`: too much waits for destinations that are not proven. */
export type Admission = 'placed' | 'full' | 'crowded'

export type Lanes<Row> = {
  /**
   * `released` rows were let go by the sweeper alone and always find a place. callsMax: open calls that the destination
   * allows; null leaves the lane to what it learned.
   */
  admit(destinationId: Uuid, row: Row, released: boolean, callsMax?: number | null): Admission
  /** Takes waiting rows out of all lanes: those of destinations for which `test` is true. */
  takeWaiting(test: (destinationId: Uuid, row: Row) => boolean): Row[]
  running(): number
  /** Forgets lanes that were idle for long. */
  forgetIdle(): void
}

type Options<Row> = {
  /** Open calls over all lanes. */
  runningMax: number
  /** Rows that wait in lanes that are not proven; what comes over it goes back. */
  unprovenRowsMax: number
  clock: Clock
  /** Must not reject. */
  start(row: Row): Promise<StartEnd>
}

const LOOK_EVERY_MS = 100

/**
 * Starts waiting rows: destinations take turns, each within its own concurrency, all within runningMax. Those that are not
 * proven (no recent success, or a call that waits for long) share half of it, and a part of the memory; and of what is
 * taken over half, a lane gets little before it was answered. So trackers that die leave the others their sockets at once.
 */
export function createLanes<Row>(options: Options<Row>): Lanes<Row> {
  const { clock, runningMax, unprovenRowsMax } = options
  const half = Math.max(1, Math.floor(runningMax / 2))
  const crowded = Math.ceil(runningMax * 0.75)
  const lanes = new Map<Uuid, Lane<Row>>()
  // Lanes with a row that could start now, in turn order; a Set keeps insertion order.
  const ready = { proven: new Set<Lane<Row>>(), unproven: new Set<Lane<Row>>() }
  const unproven = { running: 0, waiting: 0 }
  let running = 0
  /** Lanes with an open call. */
  let busy = 0
  let unprovenFirst = false
  let lookedAtMs = Number.NEGATIVE_INFINITY

  const laneOf = (destinationId: Uuid): Lane<Row> => {
    const known = lanes.get(destinationId)
    if (known !== undefined) return known
    const lane = createLane<Row>(destinationId, clock.monotonicMs())
    lanes.set(destinationId, lane)
    return lane
  }

  const count = (lane: Lane<Row>, change: { running?: number; waiting?: number }): void => {
    running += change.running ?? 0
    if (lane.proven) return
    unproven.running += change.running ?? 0
    unproven.waiting += change.waiting ?? 0
  }

  /**
   * Whether the lane must be answered before it gets another socket: from half of them on a lane that does not answer just
   * now, and from three quarters on every lane, holds no more than an equal share of that half.
   */
  const isGreedy = (lane: Lane<Row>, nowMs: number): boolean =>
    running >= half &&
    lane.open.size >= Math.max(1, Math.floor(half / busy)) &&
    (running >= crowded || !answersNow(lane, nowMs))

  const queueUp = (lane: Lane<Row>): void => {
    const nowMs = clock.monotonicMs()
    const proven = isProven(lane, nowMs)
    if (proven !== lane.proven) {
      const sign = proven ? -1 : 1
      unproven.running += sign * lane.open.size
      unproven.waiting += sign * lane.waiting.length
      lane.proven = proven
    }
    ready.proven.delete(lane)
    ready.unproven.delete(lane)
    if (canStart(lane) && !isGreedy(lane, nowMs)) ready[proven ? 'proven' : 'unproven'].add(lane)
  }

  /** A receiver that stops to answer says nothing: its lane has to be looked at. */
  const lookForSlow = (): void => {
    const nowMs = clock.monotonicMs()
    const pauseMs = nowMs - lookedAtMs
    if (pauseMs < LOOK_EVERY_MS) return
    lookedAtMs = nowMs
    // After a pause the answers may be here already, unread.
    if (pauseMs > 2 * LOOK_EVERY_MS) return
    for (const lane of lanes.values()) {
      if (lane.slow === isSlow(lane, nowMs)) continue
      lane.slow = !lane.slow
      queueUp(lane)
    }
  }

  const nextLane = (): Lane<Row> | undefined => {
    const proven = first(ready.proven)
    const other = unproven.running < half ? first(ready.unproven) : undefined
    return other !== undefined && (proven === undefined || unprovenFirst) ? other : proven
  }

  const pump = (): void => {
    lookForSlow()
    while (running < runningMax) {
      const lane = nextLane()
      if (lane === undefined) return
      unprovenFirst = lane.proven
      const row = lane.waiting.shift()
      if (row !== undefined) {
        count(lane, { waiting: -1 })
        void startRow(lane, row)
      }
      queueUp(lane)
    }
  }

  const startRow = async (lane: Lane<Row>, row: Row): Promise<void> => {
    const call = { startedMs: clock.monotonicMs() }
    if (lane.open.size === 0) busy++
    lane.open.add(call)
    count(lane, { running: 1 })
    const end = await options.start(row)
    lane.open.delete(call)
    if (lane.open.size === 0) busy--
    count(lane, { running: -1 })
    lane.usedAtMs = clock.monotonicMs()
    if (end !== null) lane.concurrency = concurrencyAfter(lane.concurrency, end)
    if (end === 'delivered' || end === 'refused') {
      lane.answerMs = answerMsAfter(lane.answerMs, lane.usedAtMs - call.startedMs)
      lane.answeredAtMs = lane.usedAtMs
    }
    if (end === 'delivered') lane.deliveredAtMs = lane.usedAtMs
    lane.slow &&= isSlow(lane, lane.usedAtMs)
    queueUp(lane)
    pump()
  }

  return {
    admit(destinationId, row, released, callsMax = null) {
      const lane = laneOf(destinationId)
      lane.callsMax = callsMax
      if (!released && !hasPlace(lane)) return 'full'
      if (!released && !lane.proven && unproven.waiting >= unprovenRowsMax) return 'crowded'
      lane.waiting.push(row)
      count(lane, { waiting: 1 })
      if (lane.waiting.length === 1 || (!ready.proven.has(lane) && !ready.unproven.has(lane))) queueUp(lane)
      pump()
      return 'placed'
    },
    takeWaiting(test) {
      const taken: Row[] = []
      for (const lane of lanes.values()) {
        if (lane.waiting.length === 0) continue
        const kept: Row[] = []
        for (const row of lane.waiting) (test(lane.destinationId, row) ? taken : kept).push(row)
        count(lane, { waiting: kept.length - lane.waiting.length })
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

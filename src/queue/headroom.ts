import type { QueueDepths } from './queue-backend.ts'
import { QUEUE_NAMES, type QueueName } from './queues.ts'

const WAITING_JOBS_MAX = 200
const SLOW_FROM_MS = 2000
const FAST_BELOW_MS = 500
const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 8000

/** What one poll saw: of the queues, and of the workers whose heartbeat is young. */
export type Pressure = {
  depths: QueueDepths
  liveShards: number
  workersAlive: number
  /** Longest wait between a batch's commit and its claim in the last second, over all workers. */
  waitsMs: QueueDepths
}

/**
 * The conveyor's headroom: decides how many jobs may be added, so that a queue never holds more than about two
 * seconds of work (a longer wait than the lease would be a livelock). No I/O, no clock of its own.
 */
export type Headroom = {
  room(queue: QueueName, nowMs: number): number
  take(queue: QueueName, jobs: number): void
  /** Marks the moment a poll starts and returns how it ends; null: it failed. */
  startPoll(): (seen: Pressure | null) => void
  addSucceeded(): void
  /** No room for a second after an add that did not work, and for twice as long after each that follows, up to 8 s. */
  addFailed(nowMs: number): void
}

type QueueState = { waiting: number; taken: number; slow: boolean }

export function createHeadroom(): Headroom {
  const states: Record<QueueName, QueueState> = {
    deliver: { waiting: 0, taken: 0, slow: false },
    'deliver-again': { waiting: 0, taken: 0, slow: false },
  }
  let open = false
  let waitingMax = WAITING_JOBS_MAX
  let pauseMs = 0
  let pausedUntilMs = Number.NEGATIVE_INFINITY

  const applyPressure = (seen: Pressure, takenBefore: QueueDepths): void => {
    open = seen.workersAlive > 0
    waitingMax = WAITING_JOBS_MAX * seen.liveShards
    for (const queue of QUEUE_NAMES) {
      const state = states[queue]
      state.waiting = seen.depths[queue]
      // What was taken while the poll was under way may be missing in its count.
      state.taken -= takenBefore[queue]
      state.slow = seen.waitsMs[queue] >= (state.slow ? FAST_BELOW_MS : SLOW_FROM_MS)
    }
  }

  return {
    room(queue, nowMs) {
      const state = states[queue]
      if (!open || state.slow || nowMs < pausedUntilMs) return 0
      return Math.max(0, waitingMax - state.waiting - state.taken)
    },
    take(queue, jobs) {
      states[queue].taken += jobs
    },
    startPoll() {
      const takenBefore = { deliver: states.deliver.taken, 'deliver-again': states['deliver-again'].taken }
      return (seen) => {
        if (seen === null) open = false
        else applyPressure(seen, takenBefore)
      }
    },
    addSucceeded() {
      pauseMs = 0
      pausedUntilMs = Number.NEGATIVE_INFINITY
    },
    addFailed(nowMs) {
      // The adds that were on their way together with the first one say nothing new.
      if (nowMs < pausedUntilMs) return
      pauseMs = Math.min(Math.max(FIRST_PAUSE_MS, pauseMs * 2), LONGEST_PAUSE_MS)
      pausedUntilMs = nowMs + pauseMs
    },
  }
}

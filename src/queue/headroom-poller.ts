import { withDeadline } from '../kit/deadline.ts'
import type { Headroom, Pressure } from './headroom.ts'

const TICK_MS = 250
const IDLE_POLL_MS = 1000
const POLL_LIMIT_MS = 1000

export type HeadroomPoller = {
  /** Somebody wants to know: polls go on each 250 ms for the next second, else one a second. */
  asked(nowMs: number): void
  close(): void
}

/**
 * Reads the pressure on the queues on a timer, never per add. A poll that fails, or takes over a second, means no
 * room; a poll that hangs is never joined by a second one.
 */
export function startHeadroomPoller(options: {
  headroom: Headroom
  readPressure: () => Promise<Pressure>
  nowMs: () => number
}): HeadroomPoller {
  const { headroom, nowMs } = options
  let askedAtMs = Number.NEGATIVE_INFINITY
  let polledAtMs = Number.NEGATIVE_INFINITY
  let underWay = false

  const poll = async (): Promise<void> => {
    underWay = true
    polledAtMs = nowMs()
    const finish = headroom.startPoll()
    const reading = options.readPressure()
    await withDeadline(reading, POLL_LIMIT_MS).then(finish, () => finish(null))
    await reading.catch(() => undefined)
    underWay = false
  }

  const tick = (): void => {
    if (underWay) return
    const atMs = nowMs()
    if (atMs - askedAtMs < IDLE_POLL_MS || atMs - polledAtMs >= IDLE_POLL_MS) void poll()
  }

  const timer = setInterval(tick, TICK_MS)
  tick()
  return {
    asked(atMs) {
      askedAtMs = atMs
    },
    close: () => clearInterval(timer),
  }
}

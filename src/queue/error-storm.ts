import type { Logger } from 'pino'
import { toError } from '../kit/app-error.ts'

const ERRORS_PER_SECOND_MAX = 20
const WINDOW_MS = 1000

export type ErrorStormGuard = {
  /** `quiet`: counted, not logged, for trouble that is reported elsewhere. */
  onError(error: unknown, quiet?: boolean): void
  close(): void
}

/**
 * BullMQ's fetch loop spins on errors that are not of the connection (OOM, READONLY, 57P03: 1,450 in 2 s, measured).
 * Over 20 errors in a second this pauses the worker for a second; it logs one line a second.
 */
export function createErrorStormGuard(options: {
  pause: () => void
  resume: () => void
  log: Pick<Logger, 'warn'>
  queue: string
  nowMs: () => number
}): ErrorStormGuard {
  let windowStartMs = Number.NEGATIVE_INFINITY
  let errorsInWindow = 0
  let errorsUnlogged = 0
  let loggedAtMs = Number.NEGATIVE_INFINITY
  let resumeTimer: NodeJS.Timeout | null = null

  const pauseForAWhile = (): void => {
    options.pause()
    resumeTimer = setTimeout(() => {
      resumeTimer = null
      options.resume()
    }, WINDOW_MS)
  }

  return {
    onError(cause, quiet = false) {
      const atMs = options.nowMs()
      if (atMs - windowStartMs >= WINDOW_MS) {
        windowStartMs = atMs
        errorsInWindow = 0
      }
      errorsInWindow++
      if (!quiet) errorsUnlogged++
      if (errorsInWindow > ERRORS_PER_SECOND_MAX && resumeTimer === null) pauseForAWhile()
      if (quiet || atMs - loggedAtMs < WINDOW_MS) return
      options.log.warn(
        { err: toError(cause), queue: options.queue, errors: errorsUnlogged },
        'queue worker error',
      )
      loggedAtMs = atMs
      errorsUnlogged = 0
    },
    close() {
      if (resumeTimer !== null) clearTimeout(resumeTimer)
      resumeTimer = null
    },
  }
}

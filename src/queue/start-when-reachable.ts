import type { Logger } from 'pino'
import { toError } from '../kit/app-error.ts'
import { withDeadline } from '../kit/deadline.ts'

const RETRY_MS = 1000
/** So long a close waits for a start that is under way. */
const CLOSE_WAIT_MS = 2000

export type Started<T> = {
  /** Null until a start succeeded. */
  current(): T | null
  problem(): string | null
  close(): Promise<void>
}

/**
 * Starts something that must not be born while its server is away (BullMQ's Postgres connection keeps its first
 * failure for ever): tries again each second, with one warning, until it works or is closed.
 */
export function startWhenReachable<T>(options: {
  start: () => Promise<T>
  stop: (started: T) => Promise<void>
  log: Logger
  what: string
}): Started<T> {
  const { log, what } = options
  let current: T | null = null
  let problem: string | null = `${what} are not started yet`
  let isClosed = false
  let retryTimer: NodeJS.Timeout | null = null
  let warned = false

  const attempt = async (): Promise<void> => {
    try {
      const started = await options.start()
      if (isClosed) return await options.stop(started)
      current = started
      problem = null
      if (warned) log.info(`${what} started`)
    } catch (cause) {
      const err = toError(cause)
      problem = `${what} could not start: ${err.message}`
      if (isClosed) return
      if (!warned) log.warn({ err }, `${what} could not start; trying again each second`)
      warned = true
      retryTimer = setTimeout(() => {
        attempting = attempt()
      }, RETRY_MS)
    }
  }

  let attempting = attempt()
  return {
    current: () => current,
    problem: () => problem,
    async close() {
      isClosed = true
      if (retryTimer !== null) clearTimeout(retryTimer)
      // Else its connections, half made, would meet the end of their server.
      await withDeadline(attempting, CLOSE_WAIT_MS).catch(() => undefined)
      if (current !== null) await options.stop(current)
    },
  }
}

import type { Context } from '../context.ts'
import { AppError, toError } from '../kit/app-error.ts'
import type { ClickRequest } from './click.ts'
import { type ClickOutcome, storeClicks } from './store-clicks.ts'

/** Group commit of single clicks: those that arrive while two commits are on their way share the next one. */
export type ClickWriter = {
  /** Resolves after the commit. Rejects with AppError `overloaded`, or where Postgres does not answer: nothing was stored. */
  store(request: ClickRequest): Promise<ClickOutcome>
}

type Waiting = {
  request: ClickRequest
  resolve(outcome: ClickOutcome): void
  reject(error: Error): void
}

const FLUSHERS = 2
const FLUSH_ROWS_MAX = 256
const WAITING_ROWS_MAX = 2000

export function createClickWriter(ctx: Pick<Context, 'db' | 'catalogue' | 'clock'>): ClickWriter {
  const waiting: Waiting[] = []
  let running = 0

  const pump = (): void => {
    while (running < FLUSHERS && waiting.length > 0) {
      running++
      flush(waiting.splice(0, FLUSH_ROWS_MAX)).finally(() => {
        running--
        pump()
      })
    }
  }

  const flush = async (taken: readonly Waiting[]): Promise<void> => {
    try {
      const outcomes = await storeClicks(
        ctx,
        taken.map(({ request }) => request),
      )
      taken.forEach(({ resolve }, at) => {
        resolve(outcomes[at] as ClickOutcome)
      })
    } catch (error) {
      for (const { reject } of taken) reject(toError(error))
    }
  }

  return {
    store(request) {
      if (waiting.length >= WAITING_ROWS_MAX) return Promise.reject(new AppError('overloaded'))
      return new Promise((resolve, reject) => {
        waiting.push({ request, resolve, reject })
        if (waiting.length === 1) setImmediate(pump)
      })
    },
  }
}

import type { Context } from '../context.ts'
import { addMetricTotals } from './store.ts'

const FLUSH_INTERVAL_MS = 2000

/** Stores what this process counted; what Postgres does not take is counted again later. */
export async function flushMetrics(ctx: Pick<Context, 'db' | 'metrics'>): Promise<void> {
  const growth = ctx.metrics.drain()
  if (growth.length === 0) return
  try {
    await addMetricTotals(ctx.db.reads, growth)
  } catch (error) {
    ctx.metrics.restore(growth)
    throw error
  }
}

/**
 * Every process, API or worker, adds its counters to the table metric_totals every two seconds, so any API process can
 * show those of the whole relay, and they outlive restarts. A killed process loses at most its last two seconds.
 * `close` stores the rest.
 */
export function startMetricFlush(ctx: Pick<Context, 'db' | 'metrics' | 'log'>): { close(): Promise<void> } {
  const flush = (): Promise<void> =>
    flushMetrics(ctx).catch((err: unknown) => ctx.log.debug({ err }, 'metrics could not be stored yet'))
  let running: Promise<void> = Promise.resolve()
  const timer = setInterval(() => {
    running = running.then(flush)
  }, FLUSH_INTERVAL_MS)
  timer.unref()
  return {
    async close() {
      clearInterval(timer)
      await running
      await flush()
    },
  }
}

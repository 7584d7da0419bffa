import { collectDefaultMetrics, Registry } from 'prom-client'
import type { Context } from '../context.ts'
import { withDeadline } from '../kit/deadline.ts'
import { flushMetrics } from './metric-totals.ts'
import { renderBacklog, renderStoreUp, renderTotals } from './render-metrics.ts'
import { type Backlog, listMetricTotals, readBacklog } from './store.ts'

/** Prometheus gives a scrape ten seconds; a Postgres that is frozen would keep it for seventeen. */
const READ_MS_MAX = 5000
const BACKLOG_AGE_MIN_MS = 2000
/** Counting the backlog may take one fiftieth of the time at most. */
const BACKLOG_REST_FACTOR = 50

/**
 * The page of /metrics. relay_* are of the whole relay, the same at every API process (scrape one of them, or take the
 * maximum); process_* and nodejs_* are of the process that answers. Without Postgres it says relay_store_up 0 and the
 * process' own, and does not fail.
 */
export function createMetricsPage(
  ctx: Pick<Context, 'db' | 'metrics' | 'clock' | 'log'>,
): () => Promise<string> {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const backlog = rarely(ctx, () => readBacklog(ctx.db.reads))
  const relayParts = async (): Promise<string[]> => {
    await flushMetrics(ctx)
    const totals = await listMetricTotals(ctx.db.reads)
    return Promise.all([renderTotals(totals), backlog().then(renderBacklog), renderStoreUp(true)])
  }
  return async () => {
    const parts = await withDeadline(relayParts(), READ_MS_MAX).catch((err: unknown) => {
      ctx.log.warn({ err }, 'metrics could not be read from Postgres')
      return Promise.all([renderStoreUp(false)])
    })
    return `${[...parts, await registry.metrics()].map((part) => part.trimEnd()).join('\n')}\n`
  }
}

/** Reads at most as often as the constants above allow; in between the last reading is given again. */
function rarely(ctx: Pick<Context, 'clock'>, read: () => Promise<Backlog>): () => Promise<Backlog> {
  let kept: { untilMs: number; reading: Promise<Backlog> } | null = null
  return async () => {
    const startedMs = ctx.clock.monotonicMs()
    if (kept !== null && startedMs < kept.untilMs) return kept.reading
    const reading = read()
    kept = { untilMs: Number.POSITIVE_INFINITY, reading }
    try {
      await reading
      const endedMs = ctx.clock.monotonicMs()
      const restMs = Math.max(BACKLOG_AGE_MIN_MS, (endedMs - startedMs) * BACKLOG_REST_FACTOR)
      kept = { untilMs: endedMs + restMs, reading }
    } catch (error) {
      kept = null
      throw error
    }
    return reading
  }
}

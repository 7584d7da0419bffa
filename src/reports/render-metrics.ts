import { AggregatorRegistry, Gauge, Registry } from 'prom-client'
import { HELD_REASONS } from '../deliveries/held.ts'
import { METRIC_FAMILIES, type MetricFamily } from './metric-families.ts'
import type { MetricGrowth } from './metrics.ts'
import type { Backlog } from './store.ts'

type Sample = { metricName?: string; labels: Record<string, string>; value: number }

/** Counters of the whole relay in the text format of Prometheus; series that never counted stand at 0. */
export function renderTotals(totals: readonly MetricGrowth[]): Promise<string> {
  const values = new Map(totals.map((series) => [`${series.name} ${series.label}`, series.value]))
  const families = Object.entries(METRIC_FAMILIES).map(([name, family]: [string, MetricFamily]) => ({
    name,
    help: family.help,
    type: family.type,
    aggregator: 'sum',
    values: samples(name, family, (label) => values.get(`${name} ${label}`) ?? 0),
  }))
  return AggregatorRegistry.aggregate([families]).metrics()
}

function samples(name: string, family: MetricFamily, total: (label: string) => number): Sample[] {
  if (family.type === 'counter')
    return family.values.map((label) => ({ labels: { [family.label]: label }, value: total(label) }))
  return [
    ...[...family.buckets.map(String), '+Inf'].map((le) => ({
      metricName: `${name}_bucket`,
      labels: { le },
      value: total(le),
    })),
    { metricName: `${name}_sum`, labels: {}, value: total('sum') },
    { metricName: `${name}_count`, labels: {}, value: total('count') },
  ]
}

export function renderStoreUp(up: boolean): Promise<string> {
  const registry = new Registry()
  new Gauge({ name: 'relay_store_up', help: '1 while Postgres answers.', registers: [registry] }).set(
    Number(up),
  )
  return registry.metrics()
}

/** What waits right now, in the text format of Prometheus. */
export function renderBacklog(backlog: Backlog): Promise<string> {
  const registry = new Registry()
  const gauge = (name: string, help: string, value: number): void => {
    new Gauge({ name, help, registers: [registry] }).set(value)
  }
  const gaugeBy = (name: string, label: string, help: string, values: Record<string, number>): void => {
    const made = new Gauge({ name, help, labelNames: [label], registers: [registry] })
    for (const [key, value] of Object.entries(values)) made.set({ [label]: key }, value)
  }
  gauge('relay_due_backlog', 'Deliveries that wait, held ones included.', backlog.due)
  gauge(
    'relay_due_oldest_seconds',
    'How long the oldest delivery that may travel has waited.',
    backlog.oldestSeconds,
  )
  gaugeBy('relay_held', 'reason', 'Deliveries that are held back, by reason.', {
    ...Object.fromEntries(HELD_REASONS.map((reason) => [reason, 0])),
    ...backlog.held,
  })
  gaugeBy('relay_unsettled', 'reason', 'Conversions that can not be fanned out yet, by reason.', {
    unknown_click: 0,
    unattributed: 0,
    ...backlog.unsettled,
  })
  gauge('relay_breakers_open', 'Destinations whose breaker is open.', backlog.breakersOpen)
  gauge('relay_workers', 'Worker processes that gave a sign of life within five seconds.', backlog.workers)
  gaugeBy(
    'relay_queue_wait_seconds',
    'queue',
    'Longest wait of a batch for its worker in the last second.',
    Object.fromEntries(Object.entries(backlog.waitsMs).map(([queue, ms]) => [queue, ms / 1000])),
  )
  return registry.metrics()
}

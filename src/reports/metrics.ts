import { METRIC_FAMILIES, type MetricName } from './metric-families.ts'

type LabelOf<Name extends 'relay_conversions_total' | 'relay_deliveries_total' | 'relay_attempts_total'> =
  (typeof METRIC_FAMILIES)[Name]['values'][number]

/** What one series grew by; `label` as in the table metric_totals. */
export type MetricGrowth = { name: MetricName; label: string; value: number }

/** Counters of this process since they were last drained. Every call is cheap and never throws. */
export type Metrics = {
  /** Reports of one result; a 4xx of an authenticated call is `quarantined`. */
  conversion(result: LabelOf<'relay_conversions_total'>, count?: number): void
  /** Deliveries that came into this state, a re-opened one as `scheduled` again. */
  deliveries(state: LabelOf<'relay_deliveries_total'>, count?: number): void
  /** One call of a tracker. Seconds from the revision's acceptance to the answer if the first attempt delivered it, else null. */
  attempt(verdict: LabelOf<'relay_attempts_total'>, acceptToTrackerSeconds: number | null): void
  /** Seconds from reading a report to its committed answer. */
  acceptSeconds(seconds: number): void
  /** Takes what was counted and starts from zero. */
  drain(): MetricGrowth[]
  /** Puts back what was drained but could not be stored. */
  restore(growth: readonly MetricGrowth[]): void
}

const labelled = (bounds: readonly number[]): [bound: number, label: string][] =>
  bounds.map((bound) => [bound, String(bound)])

const BUCKETS = {
  relay_accept_seconds: labelled(METRIC_FAMILIES.relay_accept_seconds.buckets),
  relay_accept_to_tracker_seconds: labelled(METRIC_FAMILIES.relay_accept_to_tracker_seconds.buckets),
}

export function createMetrics(): Metrics {
  // By name, then label: a key of both would be a new string for each count.
  const counted = new Map<MetricName, Map<string, number>>()

  const grow = (name: MetricName, label: string, value: number): void => {
    const series = counted.get(name)
    if (series === undefined) counted.set(name, new Map([[label, value]]))
    else series.set(label, (series.get(label) ?? 0) + value)
  }

  const observe = (
    name: 'relay_accept_seconds' | 'relay_accept_to_tracker_seconds',
    seconds: number,
  ): void => {
    for (const [bound, label] of BUCKETS[name]) if (seconds <= bound) grow(name, label, 1)
    grow(name, '+Inf', 1)
    grow(name, 'count', 1)
    grow(name, 'sum', seconds)
  }

  return {
    conversion: (result, count = 1) => grow('relay_conversions_total', result, count),
    deliveries: (state, count = 1) => grow('relay_deliveries_total', state, count),
    attempt(verdict, acceptToTrackerSeconds) {
      grow('relay_attempts_total', verdict, 1)
      if (acceptToTrackerSeconds !== null) observe('relay_accept_to_tracker_seconds', acceptToTrackerSeconds)
    },
    acceptSeconds: (seconds) => observe('relay_accept_seconds', seconds),
    drain() {
      const growth = Array.from(counted, ([name, series]) =>
        Array.from(series, ([label, value]) => ({ name, label, value })),
      ).flat()
      counted.clear()
      return growth
    },
    restore(growth) {
      for (const series of growth) grow(series.name, series.label, series.value)
    },
  }
}

/** What is counted. Every family has one label, or none; a histogram has its buckets instead. */
export type MetricFamily =
  | { type: 'counter'; help: string; label: string; values: readonly string[] }
  | { type: 'histogram'; help: string; buckets: readonly number[] }

export const METRIC_FAMILIES = {
  relay_conversions_total: {
    type: 'counter',
    help: 'Reports of advertisers by what became of them.',
    label: 'result',
    values: ['accepted', 'duplicate', 'parked', 'quarantined'],
  },
  relay_deliveries_total: {
    type: 'counter',
    help: 'Deliveries that came into a state; one delivery can count in several.',
    label: 'state',
    values: ['scheduled', 'delivered', 'refused', 'failed', 'skipped', 'superseded', 'cancelled'],
  },
  relay_attempts_total: {
    type: 'counter',
    help: 'Calls to trackers by verdict.',
    label: 'verdict',
    values: ['delivered', 'refused', 'retry'],
  },
  relay_accept_seconds: {
    type: 'histogram',
    help: 'From reading a report to its committed answer.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  },
  relay_accept_to_tracker_seconds: {
    type: 'histogram',
    help: "From a revision's acceptance to the tracker's answer, where the first attempt delivered it.",
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600],
  },
} as const satisfies Record<string, MetricFamily>

export type MetricName = keyof typeof METRIC_FAMILIES

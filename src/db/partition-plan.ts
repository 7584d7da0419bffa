/** Start (inclusive) and end (exclusive) in unix ms, UTC. */
export type Span = { name: string; fromMs: number; toMs: number }

export type PartitionedTable = {
  table: string
  /** The column that the ranges are over: a UUIDv7. */
  column: 'id' | 'delivery_id'
  every: 'month' | 'week'
  /** Which setting says how long rows stay. */
  kept: 'retentionDays' | 'retentionBodiesDays'
}

export const PARTITIONED_TABLES: readonly PartitionedTable[] = [
  { table: 'inbound_calls', column: 'id', every: 'month', kept: 'retentionDays' },
  { table: 'inbound_raw', column: 'id', every: 'week', kept: 'retentionBodiesDays' },
  { table: 'clicks', column: 'id', every: 'month', kept: 'retentionDays' },
  { table: 'revisions', column: 'id', every: 'month', kept: 'retentionDays' },
  { table: 'deliveries', column: 'id', every: 'month', kept: 'retentionDays' },
  { table: 'attempts', column: 'delivery_id', every: 'month', kept: 'retentionDays' },
  { table: 'attempt_bodies', column: 'id', every: 'week', kept: 'retentionBodiesDays' },
]

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const AHEAD = 4
const BEHIND_AT_FIRST = { month: 2, week: 1 }
const MONDAY = 1

/**
 * The partitions that must exist at nowMs: that of an hour ago (ids may lag that much), the current one and 4 ahead.
 * On a table without any, also some behind, for rows that take the time of something older.
 */
export function wantedSpans(table: PartitionedTable, nowMs: number, isFirst: boolean): Span[] {
  const lagging = spanAt(table, nowMs - HOUR_MS)
  const spans = [lagging]
  for (let span = lagging; span.fromMs <= nowMs || spans.length < AHEAD + 2; ) {
    span = spanAt(table, span.toMs)
    spans.push(span)
  }
  for (let behind = 0; isFirst && behind < BEHIND_AT_FIRST[table.every]; behind++)
    spans.unshift(spanAt(table, (spans[0] ?? lagging).fromMs - 1))
  return spans
}

/** The month or the week (from Monday) that holds atMs, with its partition's name: deliveries_2025_11, inbound_raw_2025_11_24. */
export function spanAt(table: PartitionedTable, atMs: number): Span {
  const at = new Date(atMs)
  const year = at.getUTCFullYear()
  const month = at.getUTCMonth()
  if (table.every === 'month') {
    const fromMs = Date.UTC(year, month, 1)
    return { name: `${table.table}_${stamp(fromMs).slice(0, 7)}`, fromMs, toMs: Date.UTC(year, month + 1, 1) }
  }
  const sinceMonday = (at.getUTCDay() - MONDAY + 7) % 7
  const fromMs = Date.UTC(year, month, at.getUTCDate() - sinceMonday)
  return { name: `${table.table}_${stamp(fromMs)}`, fromMs, toMs: fromMs + 7 * DAY_MS }
}

const stamp = (ms: number): string => new Date(ms).toISOString().slice(0, 10).replaceAll('-', '_')

/** The span behind a partition's name, or null if the name is not one of ours. */
export function spanOf(table: PartitionedTable, name: string): Span | null {
  const match = new RegExp(`^${table.table}_(\\d{4})_(\\d{2})(?:_(\\d{2}))?$`).exec(name)
  if (match === null) return null
  const span = spanAt(table, Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3] ?? 1)))
  return span.name === name ? span : null
}

/** True where every row of the span is older than the retention. */
export const isExpired = (span: Span, nowMs: number, days: number): boolean =>
  span.toMs <= nowMs - days * DAY_MS

import type { Db } from '../db/database.ts'
import { HELD_JOINS, HELD_REASON } from '../deliveries/held.ts'
import type { MetricName } from './metric-families.ts'
import type { MetricGrowth } from './metrics.ts'

/** Adds what a process counted. Rows are locked in key order, so processes can not deadlock. */
export async function addMetricTotals(db: Db, growth: readonly MetricGrowth[]): Promise<void> {
  const sorted = growth.toSorted((a, b) => (`${a.name} ${a.label}` < `${b.name} ${b.label}` ? -1 : 1))
  await db.query({
    text: `insert into metric_totals as m (name, label, value)
      select name, label, value from unnest($1::text[], $2::text[], $3::float8[]) as g(name, label, value)
      order by name, label
      on conflict (name, label) do update set value = m.value + excluded.value`,
    values: [
      sorted.map((series) => series.name),
      sorted.map((series) => series.label),
      sorted.map((series) => series.value),
    ],
  })
}

export async function listMetricTotals(db: Db): Promise<MetricGrowth[]> {
  const { rows } = await db.query<{ name: MetricName; label: string; value: number }>({
    text: 'select name, label, value from metric_totals',
  })
  return rows
}

/** What waits right now, in the whole relay. */
export type Backlog = {
  due: number
  held: Record<string, number>
  /** Age of the oldest row that could travel and does not yet. */
  oldestSeconds: number
  unsettled: Record<string, number>
  breakersOpen: number
  workers: number
  waitsMs: Record<string, number>
}

/** Reads all of `due` once (163 ms at a million rows): callers bound how often. */
export async function readBacklog(db: Db): Promise<Backlog> {
  const { rows } = await db.query<{
    waiting: { reason: string | null; count: number; oldest: number | null }[]
    unsettled: { reason: string; count: number }[]
    breakers_open: number
    workers: number
    waits_ms: Record<string, number>[]
  }>({
    text: `select
      (select coalesce(json_agg(w), '[]') from (
        select held as reason, count(*)::int as count, extract(epoch from now() - min(due_at))::float8 as oldest
        from (select ${HELD_REASON} as held, u.due_at from due u ${HELD_JOINS}) as h group by 1) as w) as waiting,
      (select coalesce(json_agg(s), '[]') from (
        select case when due_at = 'infinity' then 'unattributed' else reason end as reason, count(*)::int as count
        from unsettled group by 1) as s) as unsettled,
      (select count(*)::int from lanes l join destinations t on t.id = l.destination_id
        where t.archived_at is null and (l.recovery = 'probing'
          or l.mode <> 'direct' and l.blocked_reason = 'breaker_open' and l.blocked_until > now())) as breakers_open,
      (select count(*)::int from workers where heartbeat_at > now() - interval '5 s') as workers,
      (select coalesce(json_agg(waits_ms), '[]') from workers where heartbeat_at > now() - interval '5 s') as waits_ms`,
  })
  const [row] = rows
  if (row === undefined) throw new Error('a select without from returned no row')
  const free = row.waiting.find((group) => group.reason === null)
  return {
    due: row.waiting.reduce((sum, group) => sum + group.count, 0),
    held: Object.fromEntries(
      row.waiting.flatMap((group) => (group.reason === null ? [] : [[group.reason, group.count]])),
    ),
    oldestSeconds: Math.max(0, free?.oldest ?? 0),
    unsettled: Object.fromEntries(row.unsettled.map((group) => [group.reason, group.count])),
    breakersOpen: row.breakers_open,
    workers: row.workers,
    waitsMs: longestWaits(row.waits_ms),
  }
}

function longestWaits(perWorker: readonly Record<string, number>[]): Record<string, number> {
  const longest: Record<string, number> = {}
  for (const waits of perWorker)
    for (const [queue, ms] of Object.entries(waits)) longest[queue] = Math.max(longest[queue] ?? 0, ms)
  return longest
}

export type StoreReadiness = {
  readOnly: boolean
  synchronousCommit: string
  standbyNames: string
  workers: number
}

export async function readReadiness(db: Db): Promise<StoreReadiness> {
  const { rows } = await db.query<{ read_only: boolean; commit: string; standbys: string; workers: number }>({
    text: `select current_setting('transaction_read_only')::boolean as read_only,
      current_setting('synchronous_commit') as commit,
      current_setting('synchronous_standby_names') as standbys,
      (select count(*)::int from workers where heartbeat_at > now() - interval '5 s') as workers`,
  })
  const [row] = rows
  if (row === undefined) throw new Error('a select without from returned no row')
  return {
    readOnly: row.read_only,
    synchronousCommit: row.commit,
    standbyNames: row.standbys,
    workers: row.workers,
  }
}

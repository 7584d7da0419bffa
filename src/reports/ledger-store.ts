import type { Tx } from '../db/database.ts'
import type { ShownState } from '../deliveries/delivery-states.ts'
import { HELD_JOINS, HELD_REASON } from '../deliveries/held.ts'
import type { Uuid } from '../kit/ids.ts'

/** A span as ids: revisions and their deliveries carry the time of acceptance in their ids. */
export type LedgerSpan = { fromId: Uuid; toId: Uuid }

/** Rows by where they stand, and what they say together about the other table. */
export type Counted<Name extends string> = {
  counts: Partial<Record<Name, number>>
  /** Equal for revisions and deliveries of a span where each revision has as many delivery rows as its fan-out wrote. */
  fanOutSum: string
}

// Every delivery row adds a number that its revision has: whatever is missing or too much changes the sum, and two faults
// don't cancel out (but for a chance of one in 2^48). Comparing the rows themselves takes three times as long.
const revisionNumber = (id: string): string => `(uuid_hash_extended(${id}, 0) >> 16)`

export type RevisionPlace = 'accepted' | 'fanned_out' | 'waiting' | 'parked' | 'unattributed'

/** Where each revision of the span stands. What is in none of the groups is unaccounted. */
export async function countRevisions(tx: Tx, span: LedgerSpan): Promise<Counted<RevisionPlace>> {
  const { rows } = await tx.query<Record<RevisionPlace, number> & { sum: string }>({
    text: `select count(*)::int as accepted,
        count(*) filter (where r.fanout_count is not null)::int as fanned_out,
        count(*) filter (where r.fanout_count is null and u.due_at = 'infinity')::int as unattributed,
        count(*) filter (where r.fanout_count is null and u.due_at < 'infinity' and u.reason = 'unknown_click')::int as parked,
        count(*) filter (where r.fanout_count is null and u.due_at < 'infinity' and u.reason <> 'unknown_click')::int as waiting,
        coalesce(sum(r.fanout_count * ${revisionNumber('r.id')}), 0)::text as sum
      from revisions r left join unsettled u on r.fanout_count is null and u.conversion_id = r.conversion_id
      where r.id >= $1 and r.id < $2`,
    values: [span.fromId, span.toId],
  })
  const { sum = '0', ...counts } = rows[0] ?? {}
  return { counts, fanOutSum: sum }
}

/** Deliveries of the span by state, tests left out; those that are held count as scheduled. */
export async function countDeliveries(tx: Tx, span: LedgerSpan): Promise<Counted<ShownState>> {
  const { rows } = await tx.query<{ state: ShownState; count: number; all: string }>({
    text: `select state, count(*)::int as count, (sum(sum(${revisionNumber('revision_id')})) over ())::text as all
      from deliveries where id >= $1 and id < $2 and not test group by state`,
    values: [span.fromId, span.toId],
  })
  return {
    counts: Object.fromEntries(rows.map((row) => [row.state, row.count])),
    fanOutSum: rows[0]?.all ?? '0',
  }
}

/** Of the scheduled deliveries of the span: how many are held, and how many neither wait nor travel. */
export async function countScheduled(tx: Tx, span: LedgerSpan): Promise<{ held: number; lost: number }> {
  const { rows } = await tx.query<{ held: number; lost: number }>({
    text: `select count(*) filter (where ${HELD_REASON} is not null)::int as held,
        count(*) filter (where u.delivery_id is null and t.id is null)::int as lost
      from deliveries d left join due u on u.delivery_id = d.id and u.delivery_id >= $1 and u.delivery_id < $2
      left join (select unnest(deliveries) as id from batches) t on t.id = d.id ${HELD_JOINS}
      where d.id >= $1 and d.id < $2 and d.state = 'scheduled' and not d.test`,
    values: [span.fromId, span.toId],
  })
  return rows[0] ?? { held: 0, lost: 0 }
}

export type Unaccounted =
  | { kind: 'revision_without_place'; conversionId: Uuid; revision: number; count: number }
  | { kind: 'deliveries_missing'; conversionId: Uuid; revision: number; count: number }
  | { kind: 'deliveries_unexpected'; conversionId: Uuid; revision: number; count: number }
  | { kind: 'delivery_without_place'; conversionId: Uuid; revision: number; count: 1; deliveryId: Uuid }

type UnaccountedRow = {
  kind: Unaccounted['kind']
  conversion_id: Uuid
  revision: number
  count: number
  delivery_id: Uuid | null
}

const UNACCOUNTED = `with rows as (
    select revision_id, min(revision) as revision, (array_agg(conversion_id))[1] as conversion_id, count(*)::int as n
    from deliveries where id >= $1 and id < $2 and not test group by revision_id
  ), counted as (
    select coalesce(r.conversion_id, d.conversion_id) as conversion_id, coalesce(r.revision, d.revision) as revision,
      coalesce(d.n, 0) - coalesce(r.fanout_count, 0) as surplus
    from (select id, conversion_id, revision, fanout_count from revisions where id >= $1 and id < $2) r
    full join rows d on d.revision_id = r.id
  ), travelling as (
    select unnest(deliveries) as id from batches
  )
  select 'revision_without_place' as kind, r.conversion_id, r.revision, 1 as count, null::uuid as delivery_id
    from revisions r
    where r.id >= $1 and r.id < $2 and r.fanout_count is null
      and not exists (select from unsettled u where u.conversion_id = r.conversion_id)
  union all
  select case when surplus < 0 then 'deliveries_missing' else 'deliveries_unexpected' end, conversion_id, revision,
      abs(surplus), null
    from counted where surplus <> 0
  union all
  select 'delivery_without_place', d.conversion_id, d.revision, 1, d.id
    from deliveries d
    where d.id >= $1 and d.id < $2 and d.state = 'scheduled' and not d.test
      and not exists (select from due u where u.delivery_id = d.id)
      and not exists (select from travelling t where t.id = d.id)`

/** How much is unaccounted, and the first of it. Zero rows: everything has its place. */
export async function findUnaccounted(
  tx: Tx,
  span: LedgerSpan,
  examplesMax: number,
): Promise<{ total: number; examples: Unaccounted[] }> {
  const { rows } = await tx.query<UnaccountedRow & { total: number }>({
    text: `select kind, conversion_id, revision, count, delivery_id, (sum(count) over ())::int as total
      from (${UNACCOUNTED}) as x order by conversion_id, revision, kind, delivery_id limit $3`,
    values: [span.fromId, span.toId, Math.max(1, examplesMax)],
  })
  return { total: rows[0]?.total ?? 0, examples: rows.slice(0, examplesMax).map(toUnaccounted) }
}

function toUnaccounted(row: UnaccountedRow): Unaccounted {
  const place = { conversionId: row.conversion_id, revision: row.revision }
  if (row.kind === 'delivery_without_place')
    return { kind: row.kind, ...place, count: 1, deliveryId: row.delivery_id ?? '' }
  return { kind: row.kind, ...place, count: row.count }
}

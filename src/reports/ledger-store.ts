import type { Tx } from '../db/database.ts'
import type { ShownState } from '../deliveries/delivery-states.ts'
import { HELD_JOINS, HELD_REASON } from '../deliveries/held.ts'
import type { Uuid } from '../kit/ids.ts'

/** A span as ids: revisions and their deliveries carry the time of acceptance in their ids. */
export type LedgerSpan = { fromId: Uuid; toId: Uuid }

export type RevisionCounts = {
  accepted: number
  fanned_out: number
  waiting: number
  parked: number
  unattributed: number
}

/** Where each revision of the span stands. What is in none of the groups is unaccounted. */
export async function countRevisions(tx: Tx, span: LedgerSpan): Promise<RevisionCounts> {
  const { rows } = await tx.query<RevisionCounts>({
    text: `select count(*)::int as accepted,
        count(*) filter (where r.fanout_count is not null)::int as fanned_out,
        count(*) filter (where r.fanout_count is null and u.due_at = 'infinity')::int as unattributed,
        count(*) filter (where r.fanout_count is null and u.due_at < 'infinity' and u.reason = 'unknown_click')::int as parked,
        count(*) filter (where r.fanout_count is null and u.due_at < 'infinity' and u.reason <> 'unknown_click')::int as waiting
      from revisions r left join unsettled u on u.conversion_id = r.conversion_id
      where r.id >= $1 and r.id < $2`,
    values: [span.fromId, span.toId],
  })
  return rows[0] ?? { accepted: 0, fanned_out: 0, waiting: 0, parked: 0, unattributed: 0 }
}

/** Deliveries of the span by state, tests left out; `held` counts apart from `scheduled`. */
export async function countDeliveries(
  tx: Tx,
  span: LedgerSpan,
): Promise<Partial<Record<ShownState, number>>> {
  const { rows } = await tx.query<{ state: ShownState; count: number }>({
    text: `select case when d.state = 'scheduled' and ${HELD_REASON} is not null then 'held' else d.state end as state,
        count(*)::int as count
      from deliveries d
      left join due u on u.delivery_id = d.id and d.state = 'scheduled' ${HELD_JOINS}
      where d.id >= $1 and d.id < $2 and not d.test
      group by 1`,
    values: [span.fromId, span.toId],
  })
  return Object.fromEntries(rows.map((row) => [row.state, row.count]))
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

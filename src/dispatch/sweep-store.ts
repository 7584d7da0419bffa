import { arrayLiteral, column } from '../db/columns.ts'
import type { Tx } from '../db/database.ts'
import { lowestUuid, type Uuid } from '../kit/ids.ts'
import type { NewBatch, TakenRow } from './group-batches.ts'

/** Before every destination, for the cursor of the sweep. */
export const FIRST_DESTINATION: Uuid = lowestUuid(0)

/**
 * Becomes or stays leader for 5 s and opens the lanes whose block is over. Null: another leads. A row lock and no
 * advisory lock: a frozen holder would keep that. Returns catalogue_version.
 */
export async function takeLead(tx: Tx, holder: Uuid): Promise<number | null> {
  const { rows } = await tx.query<{ catalogue: number }>({
    name: 'take_lead',
    text: `with free as (
        select id from leader where holder = $1 or until < now() for update skip locked
      ), led as (
        update leader l set holder = $1, until = now() + interval '5 s' from free where l.id = free.id returning l.id
      ), opened as (
        update lanes l set mode = coalesce(l.previous_mode, 'direct'), previous_mode = null, blocked_until = null,
          blocked_reason = null, updated_at = now()
        from led where l.mode = 'blocked' and l.mode <> 'direct' and l.blocked_until <= now()
      )
      select (select n from catalogue_version)::float8 as catalogue from led`,
    values: [holder],
  })
  return rows[0]?.catalogue ?? null
}

/** Lets another lead at once. Nothing happens where the lead is not holder's. */
export async function endLead(tx: Tx, holder: Uuid): Promise<void> {
  await tx.query({
    name: 'end_lead',
    text: `update leader set until = '-infinity' where holder = $1`,
    values: [holder],
  })
}

export type DueQuery = {
  /** Destinations after this one, by id. */
  cursor: Uuid
  destinationsMax: number
  /** Of one destination whose lane is direct. */
  rowsMax: number
  /** Of one paced destination without a live batch. */
  pacedRowsMax: number
  /** Of one destination with a rate limit, those included that travel already. */
  ratedRowsMax: number
  /** Of all lanes that are not direct, those included that travel already; each gets one row whatever the others have out. */
  aloneRowsMax: number
  /** A rate limit, or a ramp, lets no more go at once than what it allows in this time. */
  seconds: number
  suspectsMax: number
}

export type DueRow = TakenRow & {
  /** False: the delivery is finished already, and its row in `due` was left over. */
  isScheduled: boolean
  affiliateId: Uuid
  offerId: Uuid
  advertiserId: Uuid
}

export type DueTaken = {
  rows: DueRow[]
  /** Destinations that were looked at, and the last of them; null: there was none. */
  destinations: number
  last: Uuid | null
  /** As of these rows: what is decided about them needs a catalogue that is no older. */
  catalogueVersion: number
}

// The skip scan walks the index (destination_id, share, due_at) from destination to destination, so neither a backlog of
// one nor blocked ones cost more than a probe. Within a destination the shares take turns by weight: a share that has
// nothing leaves its part to the others. Chosen rows are locked with skip locked and deleted by their place (measured in
// the design phase: by key 380 ms, by place 31 ms for 3,100 rows of 500 destinations). A row that is updated in between is
// missed by the delete and waits for the next sweep.
// Limits hold over all workers because nobody else releases these rows, and what counts against them is read here, in one
// snapshot: rows that travel and may start at any time, and calls that started less than a second ago. A concurrency is
// kept by the one worker that has the destination's one batch. Such lanes share a part of a worker's memory, row by row, so
// that some that hang leave room for the others, and for what is no lane of its own.
const TAKE_DUE = `with recursive x as (
  (select q.destination_id from due q where q.destination_id > $1 order by q.destination_id limit 1)
  union all
  select n.destination_id from x cross join lateral (
    select q.destination_id from due q where q.destination_id > x.destination_id order by q.destination_id limit 1) n
), seen as materialized (
  select destination_id from x limit $2
), road as materialized (
  select s.destination_id, lane.alone, t.concurrency is not null as one_batch,
    case when lane.alone and t.archived_at is null then greatest(0, least(
      case when t.rate_per_second is null or t.concurrency is not null
        then case when out.calls = 0 then $4::int else 0 end
        else $6::int - out.calls end,
      case when t.rate_per_second is not null then least(
        greatest(1, floor(t.rate_per_second)) - out.calls - out.recent,
        greatest(1, ceil(t.rate_per_second * $7::float8)))::int end,
      case lane.recovery when 'probing' then case when out.calls = 0 then 1 else 0 end
        when 'ramping' then least(lane.allowance, ceil(l.ramp_rate * $7::float8))::int end))
      else $3::int end as budget
  from seen s
  join destinations t on t.id = s.destination_id
  left join lanes l on l.destination_id = s.destination_id
  cross join lateral (
    select coalesce(l.mode, 'direct') as mode, l.recovery, l.allowance,
      coalesce(l.mode, 'direct') <> 'direct' or l.recovery is not null or t.rate_per_second is not null
        or t.concurrency is not null as alone) lane
  cross join lateral (
    select coalesce((select sum(cardinality(b.deliveries)) from batches b
        where lane.alone and b.destination_id = s.destination_id), 0)::int as calls,
      coalesce((select sum(r.calls) from recent_starts r
        where t.rate_per_second is not null and r.destination_id = s.destination_id and r.counts_until > now()), 0)::int as recent) out
  where (t.state = 'active' or t.archived_at is not null) and lane.mode <> 'blocked'
), room as materialized (
  select $8::int - coalesce(sum(cardinality(deliveries)), 0) as rows from batches where destination_id is not null
), ranked as (
  select road.destination_id, road.alone, road.one_batch, p.place, p.suspect, road.budget,
    row_number() over (partition by road.destination_id order by p.rank / w.weight) as turn
  from road
  cross join (values (0::smallint, 0.7), (1::smallint, 0.2), (2::smallint, 0.1)) w(share, weight)
  cross join lateral (
    select q.ctid as place, q.suspect, row_number() over (order by q.due_at) as rank from due q
    where q.destination_id = road.destination_id and q.share = w.share and q.due_at <= now()
      and (q.after_batch is null or not exists (select from batches b where b.id = q.after_batch))
    order by q.due_at limit road.budget) p
), let_go as (
  select place, suspect, alone, one_batch, turn, first_value(suspect) over (partition by destination_id order by turn) as leads,
    row_number() over (partition by alone order by turn) as nth
  from ranked where turn <= budget
), chosen as (
  select place, suspect, row_number() over (partition by suspect) as n from let_go
  where (not one_batch or (suspect = leads and (turn = 1 or not suspect)))
    and (not alone or turn = 1 or nth <= (select rows from room))
), locked as materialized (
  select q.ctid as place from due q
  where q.ctid = any (array(select place from chosen where not suspect or n <= $5))
  for update skip locked
), taken as (
  delete from due q where q.ctid = any (array(select place from locked))
  returning q.delivery_id, q.destination_id, q.suspect
), spent as (
  update lanes l set allowance = l.allowance - n.rows
  from (select destination_id, count(*) as rows from taken group by destination_id) n
  where l.destination_id = n.destination_id and l.recovery = 'ramping'
)
select (select n from catalogue_version)::float8 as catalogue, scan.destinations, scan.last, t.delivery_id, t.destination_id,
  t.suspect, road.alone, d.affiliate_id, d.offer_id, d.advertiser_id, d.state is not distinct from 'scheduled' as scheduled
from (select count(*)::int as destinations,
    (select destination_id from seen order by 1 desc limit 1) as last from seen) scan
left join (taken t join road on road.destination_id = t.destination_id) on true
left join lateral (
  select d.state, d.affiliate_id, d.offer_id, d.advertiser_id from deliveries d where d.id = t.delivery_id limit 1) d on true`

type TakeRow = {
  catalogue: number
  destinations: number
  last: Uuid | null
  delivery_id: Uuid | null
  destination_id: Uuid
  suspect: boolean
  alone: boolean
  affiliate_id: Uuid
  offer_id: Uuid
  advertiser_id: Uuid
  scheduled: boolean
}

/** Takes due rows out of `due`, fairly over destinations. Paused, disabled and blocked ones are skipped. */
export async function takeDue(tx: Tx, query: DueQuery): Promise<DueTaken> {
  const { rows } = await tx.query<TakeRow>({
    name: 'take_due',
    text: TAKE_DUE,
    values: [
      query.cursor,
      query.destinationsMax,
      query.rowsMax,
      query.pacedRowsMax,
      query.suspectsMax,
      query.ratedRowsMax,
      query.seconds,
      query.aloneRowsMax,
    ],
  })
  return {
    rows: rows.flatMap((row) => (row.delivery_id === null ? [] : [toDueRow(row, row.delivery_id)])),
    destinations: rows[0]?.destinations ?? 0,
    last: rows[0]?.last ?? null,
    catalogueVersion: rows[0]?.catalogue ?? 0,
  }
}

const toDueRow = (row: TakeRow, deliveryId: Uuid): DueRow => ({
  deliveryId,
  destinationId: row.destination_id,
  suspect: row.suspect,
  alone: row.alone,
  isScheduled: row.scheduled,
  affiliateId: row.affiliate_id,
  offerId: row.offer_id,
  advertiserId: row.advertiser_id,
})

/** The transaction's commit waits for the disk from here on: rows that left `due` must not be forgotten. */
export async function insertBatches(
  tx: Tx,
  batches: readonly (NewBatch & { id: Uuid })[],
  transitLeaseMs: number,
): Promise<void> {
  await tx.query({
    name: 'insert_batches',
    text: `with kept as materialized (select set_config('synchronous_commit', 'on', true))
      insert into batches (id, destination_id, suspect, deliveries, lease_until)
      select x.id, x.destination_id, x.suspect, x.deliveries::uuid[], now() + $5 * interval '1 ms'
      from kept cross join unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::text[]) x(id, destination_id, suspect, deliveries)`,
    values: [
      column(batches, (batch) => batch.id),
      column(batches, (batch) => batch.destinationId),
      column(batches, (batch) => batch.suspect),
      column(batches, (batch) => arrayLiteral(batch.deliveries)),
      transitLeaseMs,
    ],
  })
}

/** Sorted by id, like every lock on deliveries. */
export async function cancelDeliveries(
  tx: Tx,
  rows: readonly { deliveryId: Uuid; reason: string }[],
): Promise<void> {
  await tx.query({
    name: 'cancel_deliveries',
    text: `with kept as materialized (select set_config('synchronous_commit', 'on', true))
      update deliveries d set state = 'cancelled', reason = x.reason, updated_at = now()
      from kept cross join unnest($1::uuid[], $2::text[]) x(id, reason) where d.id = x.id and d.state = 'scheduled'`,
    values: [column(rows, (row) => row.deliveryId), column(rows, (row) => row.reason)],
  })
}

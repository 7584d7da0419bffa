import type { Db } from '../db/database.ts'
import { HELD_JOINS, HELD_REASON } from '../deliveries/held.ts'
import { lowestUuid, type Uuid } from '../kit/ids.ts'
import type { Breaker } from './schema.ts'

export type HealthRow = {
  breaker: Breaker
  success_rate: number | null
  p95_ms: number | null
  last_error: string | null
  last_error_status: number | null
  last_error_at: Date | null
  held: number
}

/** Attempts of the last 1,000 deliveries since `from`, found by the index on (destination_id, id), and what is held now. */
export async function findHealth(db: Db, destinationId: Uuid, from: Date): Promise<HealthRow | null> {
  const { rows } = await db.query<HealthRow>({
    text: `with recent as (
        select d.id from deliveries d where d.destination_id = $1 and d.id >= $2 and not d.test
        order by d.id desc limit 1000
      ), calls as (
        select a.verdict, a.error, a.http_status, a.started_at, (a.timings_ms->>'total')::float8 as ms
        from recent r join attempts a on a.delivery_id = r.id
      ), failure as (
        select error, http_status, started_at from calls where error is not null order by started_at desc limit 1
      )
      select
        coalesce((select case when l.blocked_until > now() and l.blocked_reason = 'breaker_open' then 'open'
          when l.recovery is not null then 'probing' end from lanes l where l.destination_id = $1), 'closed') as breaker,
        (select count(*) filter (where verdict = 'delivered')::float8 / nullif(count(*), 0) from calls) as success_rate,
        (select percentile_cont(0.95) within group (order by ms) from calls) as p95_ms,
        f.error as last_error, f.http_status as last_error_status, f.started_at as last_error_at,
        (select count(*)::int from due u ${HELD_JOINS} where u.destination_id = $1 and ${HELD_REASON} is not null) as held
      from (select 1) one left join failure f on true`,
    values: [destinationId, lowestUuid(from.getTime())],
  })
  return rows[0] ?? null
}

import { arrayLiteral, type Cell } from '../db/columns.ts'
import { type Part, type PartShape, part } from '../db/statement-parts.ts'
import { TRANSIT_LEASE_MS } from '../dispatch/batches.ts'
import type { PlannedDelivery } from '../fanout/fan-out.ts'
import type { Conversion } from './conversion.ts'
import type { WritePlan } from './write-plan.ts'

/** Deliveries in their one place each: `due` or a batch; and what becomes of the older ones of the same conversion. */
export function deliveryParts({ conversions, travel }: WritePlan): Part[] {
  const plans = conversions.map(({ plan }) => plan)
  const made = plans.flatMap(({ fanOut, conversion }) =>
    fanOut.deliveries.map((delivery) => ({ delivery, conversion })),
  )
  const superseded = plans.flatMap(({ fanOut }) => fanOut.superseded)
  const successors = plans.flatMap(({ fanOut }) => fanOut.successors)
  return [
    part(SUPERSEDED, superseded, (id) => [id]),
    part(SUPERSEDED_DUE, superseded, (id) => [id]),
    part(SUCCESSORS, successors, ({ priorId, nextId }) => [priorId, nextId]),
    part(DELIVERIES, made, deliveryValues),
    part(DUE, travel.due, (row) => [
      row.deliveryId,
      row.destinationId,
      row.delayMs,
      row.reason,
      row.afterBatch,
    ]),
    part(BATCHES, travel.batches, (batch) => [batch.id, arrayLiteral(batch.deliveries)]),
  ]
}

const SUPERSEDED: PartShape = {
  name: 's',
  casts: ['uuid'],
  sql: `update deliveries d set state = 'superseded', updated_at = now() from {rows} where d.id = c1`,
}

const SUPERSEDED_DUE: PartShape = {
  name: 'x',
  casts: ['uuid'],
  sql: 'delete from due u using {rows} where u.delivery_id = c1',
}

const SUCCESSORS: PartShape = {
  name: 'n',
  casts: ['uuid', 'uuid'],
  sql: 'update deliveries d set next_id = c2 from {rows} where d.id = c1',
}

const DELIVERIES: PartShape = {
  name: 'd',
  casts: [
    'uuid',
    'uuid',
    'uuid',
    'int',
    'uuid',
    'uuid',
    'uuid',
    'uuid',
    'text',
    'numeric',
    'text',
    'text',
    'text',
  ],
  sql: `insert into deliveries (id, conversion_id, revision_id, revision, destination_id, advertiser_id, offer_id, affiliate_id, status,
      payout, currency, state, reason) select * from {rows}`,
}

type Made = { delivery: PlannedDelivery; conversion: Conversion }

const deliveryValues = ({ delivery, conversion }: Made): Cell[] => [
  delivery.id,
  conversion.id,
  delivery.revisionId,
  delivery.revision,
  delivery.destination.id,
  conversion.advertiserId,
  conversion.attribution?.offerId ?? null,
  conversion.attribution?.affiliateId ?? null,
  delivery.status,
  delivery.payout,
  delivery.currency,
  delivery.state,
  delivery.reason,
]

const DUE: PartShape = {
  name: 'u',
  casts: ['uuid', 'uuid', 'float8', 'text', 'uuid'],
  sql: `insert into due (delivery_id, destination_id, share, due_at, reason, after_batch)
    select c1, c2, 0, now() + c3 * interval '1 ms', c4, c5 from {rows}`,
}

const BATCHES: PartShape = {
  name: 'b',
  casts: ['uuid', 'text'],
  sql: `insert into batches (id, lease_until, deliveries) select c1, now() + interval '${TRANSIT_LEASE_MS} ms', c2::uuid[] from {rows}`,
}

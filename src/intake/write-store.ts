import { arrayLiteral } from '../db/columns.ts'
import type { Tx } from '../db/database.ts'
import { TRANSIT_LEASE_MS } from '../dispatch/batches.ts'
import type { TravelPlan } from '../dispatch/plan-travel.ts'
import type { PlannedDelivery } from '../fanout/fan-out.ts'
import type { Uuid } from '../kit/ids.ts'
import type { Conversion } from './conversion.ts'
import type { ConversionPlan, PlannedRevision } from './decide.ts'
import type { RecentReport } from './merge.ts'
import type { InboundCall } from './report.ts'

/** One row of inbound_calls with its raw call. */
export type InboundRow = {
  call: InboundCall
  result: 'accepted' | 'duplicate' | 'parked' | 'quarantined'
  code: string | null
  message: string | null
  field: string | null
  httpStatus: number
  conversionId: Uuid | null
  revision: number | null
  clickId: string | null
  transactionId: string | null
  event: string | null
}

export type WritePlan = {
  inbound: readonly InboundRow[]
  conversions: readonly { plan: ConversionPlan; inboundCallId: Uuid | null }[]
  /** Keys of stored conversions whose list of recent reports or revision changed. */
  keys: readonly {
    conversionId: Uuid
    revision: number
    clickId: string | null
    recent: readonly RecentReport[] | null
  }[]
  travel: TravelPlan
  catalogueVersion: number
}

/**
 * Writes all that a flush decided, in one statement with one part per table; parts without rows cost little.
 * The keys must be locked. Batches get a lease of 15 s to be claimed in.
 */
export async function writeFlush(tx: Tx, plan: WritePlan): Promise<void> {
  const conversions = plan.conversions.map(({ plan: { conversion } }) => conversion)
  const inserted = plan.conversions
    .filter(({ plan: { isNew } }) => isNew)
    .map(({ plan: { conversion } }) => conversion)
  const changed = conversions.filter((conversion) => !inserted.includes(conversion))
  const parts = [
    part(KEYS, plan.keys, (key) => [
      key.conversionId,
      key.revision,
      key.clickId,
      key.recent === null ? null : JSON.stringify(key.recent),
    ]),
    part(INBOUND, plan.inbound, inboundValues),
    part(INBOUND_RAW, plan.inbound, ({ call }) => [call.id, JSON.stringify(call.raw)]),
    part(CONVERSIONS, inserted, conversionValues),
    part(CONVERSIONS_CHANGED, changed, changedValues),
    part(REVISIONS, insertedRevisions(plan), ([revision, conversionId, callId]) =>
      revisionValues(revision, conversionId, callId, plan.catalogueVersion),
    ),
    part(
      REVISIONS_SETTLED,
      plan.conversions.flatMap(({ plan: { settled } }) => settled),
      settledValues,
    ),
    part(
      SUPERSEDED,
      plan.conversions.flatMap(({ plan: { fanOut } }) => fanOut.superseded),
      (id) => [id],
    ),
    part(
      SUPERSEDED_DUE,
      plan.conversions.flatMap(({ plan: { fanOut } }) => fanOut.superseded),
      (id) => [id],
    ),
    part(
      SUCCESSORS,
      plan.conversions.flatMap(({ plan: { fanOut } }) => fanOut.successors),
      ({ priorId, nextId }) => [priorId, nextId],
    ),
    part(DELIVERIES, plannedDeliveries(plan), ([delivery, conversion]) =>
      deliveryValues(delivery, conversion),
    ),
    part(DUE, plan.travel.due, (row) => [
      row.deliveryId,
      row.destinationId,
      row.delayMs,
      row.reason,
      row.afterBatch,
    ]),
    part(
      UNSETTLED,
      plan.conversions.filter(({ plan: { unsettled } }) => unsettled !== null),
      ({ plan: { conversion, unsettled } }) => [conversion.id, conversion.clickId, unsettled],
    ),
    part(
      SETTLED,
      plan.conversions.filter(({ plan: { unsettled, settled } }) => unsettled === null && settled.length > 0),
      ({ plan: { conversion } }) => [conversion.id],
    ),
    part(BATCHES, plan.travel.batches, (batch) => [batch.id, arrayLiteral(batch.deliveries)]),
  ].filter((one) => one.rows > 0)
  if (parts.length === 0) return
  await tx.query(assemble(parts))
}

type Part = { name: string; sql: string; casts: readonly string[]; columns: unknown[][]; rows: number }
type PartShape = { name: string; sql: string; casts: readonly string[] }

/** `sql` reads its rows from `{rows}`: an unnest of one array per cast, with columns c1, c2 ... */
function part<Row>(shape: PartShape, rows: readonly Row[], values: (row: Row) => unknown[]): Part {
  const columns: unknown[][] = shape.casts.map(() => [])
  for (const row of rows) for (const [index, value] of values(row).entries()) columns[index]?.push(value)
  return { ...shape, columns, rows: rows.length }
}

/** Flushes of the same parts share one prepared statement. */
function assemble(parts: readonly Part[]): { name: string; text: string; values: unknown[] } {
  const values: unknown[] = []
  const texts = parts.map((one) => {
    const arrays = one.columns.map((column, index) => `$${values.push(column)}::${one.casts[index]}[]`)
    const names = one.columns.map((_, index) => `c${index + 1}`)
    return one.sql.replace('{rows}', `unnest(${arrays.join(', ')}) i(${names.join(', ')})`)
  })
  const last = texts.pop() ?? ''
  const withParts = texts.map((text, index) => `p${index} as (${text})`).join(',\n')
  const text = texts.length === 0 ? last : `with ${withParts}\n${last}`
  return { name: `write_${parts.map((one) => one.name).join('')}`, text, values }
}

const KEYS: PartShape = {
  name: 'k',
  casts: ['uuid', 'int', 'text', 'text'],
  sql: `update conversion_keys k set revision = c2, click_id = coalesce(k.click_id, c3), recent = coalesce(c4::jsonb, k.recent)
    from {rows} where k.conversion_id = c1`,
}

const INBOUND: PartShape = {
  name: 'i',
  casts: [
    'uuid',
    'uuid',
    'text',
    'text',
    'text',
    'text',
    'smallint',
    'uuid',
    'int',
    'text',
    'text',
    'text',
    'text',
    'text',
    'uuid',
  ],
  sql: `insert into inbound_calls (id, advertiser_id, result, code, message, field, http_status, conversion_id, revision, click_id,
    transaction_id, event, source, remote_ip, reprocessed_from) select * from {rows}`,
}

const inboundValues = (row: InboundRow): unknown[] => [
  row.call.id,
  row.call.advertiserId,
  row.result,
  row.code,
  row.message,
  row.field,
  row.httpStatus,
  row.conversionId,
  row.revision,
  row.clickId,
  row.transactionId,
  row.event,
  row.call.source,
  row.call.remoteIp,
  row.call.reprocessedFrom,
]

const INBOUND_RAW: PartShape = {
  name: 'w',
  casts: ['uuid', 'text'],
  sql: 'insert into inbound_raw (id, request) select c1, c2::jsonb from {rows}',
}

const CONVERSIONS: PartShape = {
  name: 'c',
  casts: [
    'uuid',
    'uuid',
    'boolean',
    'text',
    'text',
    'text',
    'text',
    'uuid',
    'uuid',
    'text',
    'text',
    'text',
    'text',
    'text',
    'text',
    'text',
    'timestamptz',
    'timestamptz',
    'text',
    'text',
    'numeric',
    'text',
    'numeric',
    'int',
    'text',
  ],
  sql: `insert into conversions (id, advertiser_id, by_click, transaction_id, event, click_id, attributed_by, affiliate_id, offer_id,
      affiliate_click_id, subs, click_params, params, ip, user_agent, country, clicked_at, occurred_at, status, reported, payout,
      currency, sale_amount, revision, note)
    select c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11::text[], c12::jsonb, c13::jsonb, c14, c15, c16, c17, c18, c19, c20::jsonb, c21,
      c22, c23, c24, c25 from {rows}`,
}

function conversionValues(conversion: Conversion): unknown[] {
  const { attribution } = conversion
  return [
    conversion.id,
    conversion.advertiserId,
    conversion.byClick,
    conversion.transactionId,
    conversion.event,
    conversion.clickId,
    attribution?.attributedBy ?? null,
    attribution?.affiliateId ?? null,
    attribution?.offerId ?? null,
    attribution?.affiliateClickId ?? null,
    arrayLiteral(attribution?.subs ?? []),
    JSON.stringify(attribution?.clickParams ?? {}),
    JSON.stringify(conversion.params),
    attribution?.ip ?? null,
    attribution?.userAgent ?? null,
    attribution?.country ?? null,
    attribution?.clickedAt ?? null,
    conversion.occurredAt,
    conversion.status,
    JSON.stringify(conversion.reported),
    conversion.payout,
    conversion.currency,
    conversion.saleAmount,
    conversion.revision,
    conversion.note,
  ]
}

const CONVERSIONS_CHANGED: PartShape = {
  name: 'h',
  casts: [
    'uuid',
    'text',
    'text',
    'uuid',
    'uuid',
    'text',
    'text',
    'text',
    'text',
    'text',
    'text',
    'timestamptz',
    'timestamptz',
    'text',
    'text',
    'numeric',
    'text',
    'numeric',
    'int',
    'text',
  ],
  sql: `update conversions v set click_id = c2, attributed_by = c3, affiliate_id = c4, offer_id = c5, affiliate_click_id = c6,
      subs = c7::text[], click_params = c8::jsonb, ip = c9, user_agent = c10, country = c11, clicked_at = c12, occurred_at = c13,
      status = c14, reported = c15::jsonb, payout = c16, currency = c17, sale_amount = c18, revision = c19, note = c20, updated_at = now()
    from {rows} where v.id = c1`,
}

function changedValues(conversion: Conversion): unknown[] {
  const { attribution } = conversion
  return [
    conversion.id,
    conversion.clickId,
    attribution?.attributedBy ?? null,
    attribution?.affiliateId ?? null,
    attribution?.offerId ?? null,
    attribution?.affiliateClickId ?? null,
    arrayLiteral(attribution?.subs ?? []),
    JSON.stringify(attribution?.clickParams ?? {}),
    attribution?.ip ?? null,
    attribution?.userAgent ?? null,
    attribution?.country ?? null,
    attribution?.clickedAt ?? null,
    conversion.occurredAt,
    conversion.status,
    JSON.stringify(conversion.reported),
    conversion.payout,
    conversion.currency,
    conversion.saleAmount,
    conversion.revision,
    conversion.note,
  ]
}

const REVISIONS: PartShape = {
  name: 'r',
  casts: [
    'uuid',
    'uuid',
    'int',
    'uuid',
    'text',
    'text',
    'numeric',
    'text',
    'numeric',
    'text',
    'timestamptz',
    'int',
    'bigint',
    'text',
  ],
  sql: `insert into revisions (id, conversion_id, revision, inbound_call_id, status, previous_status, payout, currency, sale_amount,
      reported, occurred_at, fanout_count, catalogue_version, note)
    select c1, c2, c3, c4, c5, c6, c7, c8, c9, c10::jsonb, c11, c12, c13, c14 from {rows}`,
}

const insertedRevisions = (plan: WritePlan): [PlannedRevision, Uuid, Uuid | null][] =>
  plan.conversions.flatMap(({ plan: { inserted, conversion }, inboundCallId }) =>
    inserted.map((revision): [PlannedRevision, Uuid, Uuid | null] => [
      revision,
      conversion.id,
      inboundCallId,
    ]),
  )

const revisionValues = (
  revision: PlannedRevision,
  conversionId: Uuid,
  callId: Uuid | null,
  catalogueVersion: number,
): unknown[] => [
  revision.id,
  conversionId,
  revision.revision,
  callId,
  revision.status,
  revision.previousStatus,
  revision.payout,
  revision.currency,
  revision.saleAmount,
  JSON.stringify(revision.reported),
  revision.occurredAt,
  revision.fanoutCount,
  catalogueVersion,
  revision.note,
]

const REVISIONS_SETTLED: PartShape = {
  name: 'l',
  casts: ['uuid', 'text', 'text', 'numeric', 'text', 'int', 'text'],
  sql: `update revisions v set status = c2, previous_status = c3, payout = c4, currency = c5, fanout_count = c6, note = c7
    from {rows} where v.id = c1`,
}

const settledValues = (revision: PlannedRevision): unknown[] => [
  revision.id,
  revision.status,
  revision.previousStatus,
  revision.payout,
  revision.currency,
  revision.fanoutCount,
  revision.note,
]

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

const plannedDeliveries = (plan: WritePlan): [PlannedDelivery, Conversion][] =>
  plan.conversions.flatMap(({ plan: { fanOut, conversion } }) =>
    fanOut.deliveries.map((delivery): [PlannedDelivery, Conversion] => [delivery, conversion]),
  )

const deliveryValues = (delivery: PlannedDelivery, conversion: Conversion): unknown[] => [
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
  conversion.currency,
  delivery.state,
  delivery.reason,
]

const DUE: PartShape = {
  name: 'u',
  casts: ['uuid', 'uuid', 'float8', 'text', 'uuid'],
  sql: `insert into due (delivery_id, destination_id, share, due_at, reason, after_batch)
    select c1, c2, 0, now() + c3 * interval '1 ms', c4, c5 from {rows}`,
}

const UNSETTLED: PartShape = {
  name: 'p',
  casts: ['uuid', 'text', 'text'],
  sql: `insert into unsettled (conversion_id, click_id, reason, due_at) select c1, c2, c3, now() + interval '2 s' from {rows}
    on conflict (conversion_id) do nothing`,
}

const SETTLED: PartShape = {
  name: 't',
  casts: ['uuid'],
  sql: 'delete from unsettled u using {rows} where u.conversion_id = c1',
}

const BATCHES: PartShape = {
  name: 'b',
  casts: ['uuid', 'text'],
  sql: `insert into batches (id, lease_until, deliveries) select c1, now() + interval '${TRANSIT_LEASE_MS} ms', c2::uuid[] from {rows}`,
}

import { arrayLiteral, type Cell } from '../db/columns.ts'
import { type Part, type PartShape, part } from '../db/statement-parts.ts'
import type { Uuid } from '../kit/ids.ts'
import type { Conversion } from './conversion.ts'
import type { ConversionPlan, PlannedRevision } from './plan-revisions.ts'
import type { WritePlan } from './write-plan.ts'

/** Keys, conversions, revisions and the waiting list of those that can't be fanned out yet. */
export function conversionParts({ keys, conversions, catalogueVersion }: WritePlan): Part[] {
  const plans = conversions.map(({ plan }) => plan)
  const added = conversions.flatMap(({ plan, inboundCallId }) =>
    plan.inserted.map((revision) => ({
      revision,
      conversionId: plan.conversion.id,
      inboundCallId,
      catalogueVersion,
    })),
  )
  const waiting = plans.filter(({ unsettled }) => unsettled !== null)
  const settled = plans.filter((plan) => plan.unsettled === null && plan.settled.length > 0)
  return [
    part(KEYS, keys, ({ conversionId, revision, clickId, recent }) => [
      conversionId,
      revision,
      clickId,
      recent === null ? null : JSON.stringify(recent),
    ]),
    part(CONVERSIONS, plans.filter(isNew), ({ conversion }) => conversionValues(conversion)),
    part(
      CONVERSIONS_CHANGED,
      plans.filter((plan) => !isNew(plan)),
      ({ conversion }) => conversionValues(conversion),
    ),
    part(REVISIONS, added, revisionValues),
    part(
      REVISIONS_SETTLED,
      settled.flatMap((plan) => plan.settled),
      settledValues,
    ),
    part(UNSETTLED, waiting, ({ conversion, unsettled }) => [conversion.id, conversion.clickId, unsettled]),
    part(SETTLED, settled, ({ conversion }) => [conversion.id]),
  ]
}

const KEYS: PartShape = {
  name: 'k',
  casts: ['uuid', 'int', 'text', 'text'],
  sql: `update conversion_keys k set revision = c2, click_id = coalesce(k.click_id, c3), recent = coalesce(c4::jsonb, k.recent)
    from {rows} where k.conversion_id = c1`,
}

const isNew = ({ inserted }: ConversionPlan): boolean => inserted[0]?.revision === 1

const CONVERSION_CASTS = [
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
]

const CONVERSIONS: PartShape = {
  name: 'c',
  casts: CONVERSION_CASTS,
  sql: `insert into conversions (id, advertiser_id, by_click, transaction_id, event, click_id, attributed_by, affiliate_id, offer_id,
      affiliate_click_id, subs, click_params, params, ip, user_agent, country, clicked_at, occurred_at, status, reported, payout,
      currency, sale_amount, revision, note)
    select c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11::text[], c12::jsonb, c13::jsonb, c14, c15, c16, c17, c18, c19, c20::jsonb, c21,
      c22, c23, c24, c25 from {rows}`,
}

const CONVERSIONS_CHANGED: PartShape = {
  name: 'g',
  casts: CONVERSION_CASTS,
  sql: `update conversions set click_id = c6, attributed_by = c7, affiliate_id = c8, offer_id = c9, affiliate_click_id = c10,
      subs = c11::text[], click_params = c12::jsonb, ip = c14, user_agent = c15, country = c16, clicked_at = c17, occurred_at = c18,
      status = c19, reported = c20::jsonb, payout = c21, currency = c22, sale_amount = c23, revision = c24, note = c25,
      updated_at = now()
    from {rows} where id = c1`,
}

function conversionValues(conversion: Conversion): Cell[] {
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

type AddedRevision = {
  revision: PlannedRevision
  conversionId: Uuid
  inboundCallId: Uuid | null
  catalogueVersion: number
}

const revisionValues = ({
  revision,
  conversionId,
  inboundCallId,
  catalogueVersion,
}: AddedRevision): Cell[] => [
  revision.id,
  conversionId,
  revision.revision,
  inboundCallId,
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

const settledValues = (revision: PlannedRevision): Cell[] => [
  revision.id,
  revision.status,
  revision.previousStatus,
  revision.payout,
  revision.currency,
  revision.fanoutCount,
  revision.note,
]

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

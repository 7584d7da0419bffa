import type { Context } from '../context.ts'
import { readPageRequest, toPage } from '../http/pagination.ts'
import { encodeId, type Noun, type Uuid } from '../kit/ids.ts'
import { type Decimal, formatAmount } from '../kit/money.ts'
import type {
  ConversionDetailWire,
  ConversionQuery,
  ConversionWire,
  RevisionWire,
} from './conversion-schema.ts'
import {
  type ConversionRow,
  type DecisionRow,
  findConversion,
  listConversions,
  listDecisions,
  listRevisions,
  type RevisionRow,
} from './conversion-store.ts'
import { notFound, resolveFilter, withOwnerSearch } from './find-id.ts'
import { readIdSearch } from './id-search.ts'

/** One page of conversions. Throws AppError naming the filter that can not be. */
export async function findConversions(
  ctx: Pick<Context, 'db' | 'catalogue'>,
  asked: ConversionQuery,
): Promise<{ data: ConversionWire[]; next_cursor: string | null }> {
  const query = withOwnerSearch(asked)
  const page = readPageRequest(query)
  const rows = await listConversions(ctx.db.reads, page, {
    advertiserId: await resolveFilter(ctx, 'advertiser', query.advertiser_id),
    affiliateId: await resolveFilter(ctx, 'affiliate', query.affiliate_id),
    offerId: await resolveFilter(ctx, 'offer', query.offer_id),
    status: query.status ?? null,
    clickId: query.click_id ?? null,
    transactionId: query.transaction_id ?? null,
    search: query.q === undefined ? null : readIdSearch(query.q, ['conversion']),
  })
  return toPage(rows, page.limit, toConversionWire)
}

/** One conversion with its revisions and what each destination was to hear of them. Throws AppError not_found. */
export async function readConversion(ctx: Pick<Context, 'db'>, id: Uuid): Promise<ConversionDetailWire> {
  const row = await findConversion(ctx.db.reads, id)
  if (row === null) throw notFound('conversion')
  const revisions = await listRevisions(ctx.db.reads, id)
  const decisions = await listDecisions(ctx.db.reads, id)
  return {
    ...toConversionWire(row),
    revisions: revisions.map((revision) =>
      toRevisionWire(
        revision,
        decisions.filter((one) => one.revision === revision.revision),
      ),
    ),
  }
}

const iso = (at: Date | null): string | null => at?.toISOString() ?? null
const amount = (value: Decimal | null, currency: string | null): string | null =>
  value === null ? null : formatAmount(value, currency)
const idOrNull = (noun: Noun, id: Uuid | null): string | null => (id === null ? null : encodeId(noun, id))

export const toConversionWire = (row: ConversionRow): ConversionWire => ({
  id: encodeId('conversion', row.id),
  advertiser_id: encodeId('advertiser', row.advertiser_id),
  offer_id: idOrNull('offer', row.offer_id),
  affiliate_id: idOrNull('affiliate', row.affiliate_id),
  transaction_id: row.transaction_id,
  event: row.event,
  click_id: row.click_id,
  affiliate_click_id: row.affiliate_click_id,
  attributed_by: row.attributed_by,
  status: row.status,
  payout: amount(row.payout, row.currency),
  currency: row.currency,
  sale_amount: amount(row.sale_amount, row.currency),
  reported: row.reported,
  revision: row.revision,
  fanout: row.fanout,
  note: row.note,
  subs: Object.fromEntries(
    row.subs.flatMap((sub, index) => (sub === null ? [] : [[`sub${index + 1}`, sub]])),
  ),
  params: row.params,
  clicked_at: iso(row.clicked_at),
  occurred_at: row.occurred_at.toISOString(),
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
})

const toRevisionWire = (row: RevisionRow, decisions: readonly DecisionRow[]): RevisionWire => ({
  revision: row.revision,
  status: row.status,
  previous_status: row.previous_status,
  payout: amount(row.payout, row.currency),
  currency: row.currency,
  sale_amount: amount(row.sale_amount, row.currency),
  reported: row.reported,
  occurred_at: row.occurred_at.toISOString(),
  inbound_call_id: idOrNull('inboundCall', row.inbound_call_id),
  fanned_out: row.fanned_out,
  note: row.note,
  decisions: decisions.map((one) => ({
    destination_id: encodeId('destination', one.destination_id),
    delivery_id: encodeId('delivery', one.id),
    state: one.state,
    reason: one.reason,
  })),
  created_at: row.created_at.toISOString(),
})

import type { Context } from '../context.ts'
import { readPageRequest, toPage } from '../http/pagination.ts'
import { AppError } from '../kit/app-error.ts'
import { decodeId, type Uuid } from '../kit/ids.ts'
import { confirmationOf } from './confirmation.ts'
import { DELIVERY_STATES, isShownState, type ShownState } from './delivery-states.ts'
import { toDeliveryDetail, toDeliveryWire } from './delivery-wire.ts'
import { notFound, resolveFilter, withOwnerSearch } from './find-id.ts'
import type { DeliveryFilter } from './find-ids-store.ts'
import { readIdSearch } from './id-search.ts'
import { findDelivery, listAttempts, listDeliveries } from './read-store.ts'
import type { DeliveryDetailWire, DeliveryQuery, DeliveryWire } from './schema.ts'

type Ctx = Pick<Context, 'db' | 'catalogue'>

/** One page of the log. Throws AppError naming the filter that can not be. */
export async function findDeliveries(
  ctx: Ctx,
  query: DeliveryQuery,
): Promise<{ data: DeliveryWire[]; next_cursor: string | null }> {
  const page = readPageRequest(query)
  const rows = await listDeliveries(ctx.db.reads, page, await toFilter(ctx, withOwnerSearch(query)))
  return toPage(rows, page.limit, (row) =>
    toDeliveryWire(row, confirmationOf(ctx.catalogue, row.destination_id)),
  )
}

/** One delivery with all its attempts. Throws AppError not_found. */
export async function readDelivery(ctx: Ctx, id: Uuid): Promise<DeliveryDetailWire> {
  const row = await findDelivery(ctx.db.reads, id)
  if (row === null) throw notFound('delivery')
  const attempts = await listAttempts(ctx.db.reads, id)
  return toDeliveryDetail(row, attempts, confirmationOf(ctx.catalogue, row.destination_id))
}

const toFilter = async (ctx: Ctx, query: DeliveryQuery): Promise<DeliveryFilter> => ({
  states: readStates(query.state),
  reason: query.reason ?? null,
  affiliateId: await resolveFilter(ctx, 'affiliate', query.affiliate_id),
  destinationId: await resolveFilter(ctx, 'destination', query.destination_id),
  offerId: await resolveFilter(ctx, 'offer', query.offer_id),
  advertiserId: await resolveFilter(ctx, 'advertiser', query.advertiser_id),
  conversionId: readConversionId(query.conversion_id),
  clickId: query.click_id ?? null,
  affiliateClickId: query.affiliate_click_id ?? null,
  transactionId: query.transaction_id ?? null,
  httpStatus: query.http_status ?? null,
  error: query.error ?? null,
  search: query.q === undefined ? null : readIdSearch(query.q, ['delivery', 'conversion', 'destination']),
})

function readStates(text: string | undefined): ShownState[] {
  const words = (text ?? '').split(',').map((word) => word.trim())
  return words
    .filter((word) => word !== '')
    .map((word) => {
      if (isShownState(word)) return word
      throw new AppError('invalid_field', {
        field: 'state',
        message: `There is no state "${word.slice(0, 50)}".`,
        fix: `Send one or more of ${DELIVERY_STATES.join(', ')}, separated by commas.`,
      })
    })
}

function readConversionId(text: string | undefined): Uuid | null {
  if (text === undefined) return null
  const id = decodeId('conversion', text)
  if (id !== null) return id
  throw new AppError('invalid_field', {
    field: 'conversion_id',
    message: 'This is not the id of a conversion.',
    fix: 'Conversion ids begin with cnv_; search any other id with q.',
  })
}

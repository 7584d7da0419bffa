import type { Context } from '../context.ts'
import { encodeId, type Uuid } from '../kit/ids.ts'
import { type DestinationRow, listDestinations } from './store.ts'
import type { TransferRow } from './transfer-csv.ts'

const PAGE_ROWS = 500

/**
 * All destinations that are not archived, newest first, as importDestinations takes them. Secrets are named, never shown:
 * an import onto the same destinations keeps theirs.
 */
export async function exportDestinations(
  ctx: Pick<Context, 'db' | 'catalogue'>,
  affiliateId: Uuid | null,
): Promise<TransferRow[]> {
  const rows: TransferRow[] = []
  let before: Uuid | null = null
  for (;;) {
    const page: DestinationRow[] = await listDestinations(ctx.db.reads, {
      limit: PAGE_ROWS,
      before,
      from: null,
      to: null,
      archived: false,
      affiliateId,
      state: null,
    })
    const kept = page.slice(0, PAGE_ROWS)
    rows.push(...kept.map((row) => toTransferRow(ctx.catalogue, row)))
    before = kept.at(-1)?.id ?? null
    if (page.length <= PAGE_ROWS || before === null) return rows
  }
}

function toTransferRow(catalogue: Context['catalogue'], row: DestinationRow): TransferRow {
  const { definition } = row
  return {
    id: encodeId('destination', row.id),
    external_id: row.external_id,
    affiliate_id: catalogue.partnerId('affiliate', row.affiliate_id),
    name: definition.name,
    preset: definition.preset,
    method: definition.method,
    url: definition.url,
    url_by_status: definition.url_by_status,
    headers: definition.headers,
    body: definition.body,
    content_type: definition.content_type,
    events: definition.events,
    statuses: definition.statuses,
    changes: definition.changes,
    offer_ids: definition.offer_ids.map((id) => catalogue.partnerId('offer', id)),
    fallback: definition.fallback,
    delay_seconds: definition.delay_seconds,
    success: definition.success,
    retry: definition.retry,
    rate_limit: definition.rate_limit ?? null,
    concurrency: definition.concurrency ?? null,
  }
}

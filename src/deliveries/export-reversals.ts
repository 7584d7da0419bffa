import type { Preset, UploadValue } from '../../config/presets/preset.ts'
import type { Destination } from '../catalogue/catalogue.ts'
import type { Context } from '../context.ts'
import { clickIdOf } from '../destinations/click-id.ts'
import { compileDestination } from '../destinations/compile.ts'
import { presetOf } from '../destinations/recognise.ts'
import { readSpan } from '../http/read-span.ts'
import { AppError } from '../kit/app-error.ts'
import { csvLine, foreignText } from '../kit/csv.ts'
import { encodeId, type Uuid } from '../kit/ids.ts'
import { formatAmount } from '../kit/money.ts'
import { listReversals, type ReversalRow } from './reversal-store.ts'

type Upload = NonNullable<Preset['reversal']['upload']>

/**
 * The conversions that a tracker can take back by its own upload only, as that upload's CSV. Throws AppError not_found
 * where its tracker has no upload, invalid_time, or invalid_field for a span with more rows than the tracker takes.
 */
export async function exportReversals(
  ctx: Pick<Context, 'db' | 'catalogue'>,
  query: { destinationId: Uuid; from?: string; to?: string },
): Promise<string> {
  const destination = ctx.catalogue.destination(query.destinationId)
  const preset = destination === undefined ? null : presetOf(destination.definition)
  const upload = preset?.reversal.upload
  if (destination === undefined || upload === undefined)
    throw new AppError('not_found', {
      message: `No conversion upload is known of ${preset?.title ?? 'this tracker'}.`,
      fix: 'GET /v1/deliveries?state=skipped&reason=tracker_cannot_reverse&destination_id= lists what to correct there by hand.',
    })
  const limit = upload.rows_max + 1
  const rows = await listReversals(ctx.db.reads, {
    destinationId: destination.id,
    ...readSpan(query),
    limit,
  })
  if (rows.length === limit)
    throw new AppError('invalid_field', {
      field: 'from',
      message: `There are more than ${upload.rows_max} reversals in that span, which the tracker does not take at once.`,
      fix: 'Ask for a shorter span with from and to.',
    })
  const head = upload.columns.map(({ name }) => name)
  return [head, ...rows.map((row) => toCells(row, destination, upload))].map(csvLine).join('')
}

const toCells = (row: ReversalRow, destination: Destination, upload: Upload): string[] =>
  upload.columns.map(({ holds }) => VALUES[holds](row, destination))

const VALUES: Readonly<Record<UploadValue, (row: ReversalRow, destination: Destination) => string>> = {
  click_id: (row, { definition }) => foreignText(toClickId(row, definition)),
  reversal_id: (row) =>
    foreignText(`${row.transaction_id ?? encodeId('conversion', row.conversion_id)}-reversal`),
  negative_payout: (row) => `-${formatAmount(row.payout, row.currency)}`,
  currency: (row) => row.currency ?? '',
}

/** What the destination's own URL puts into the tracker's click-id parameter. */
function toClickId(row: ReversalRow, definition: Destination['definition']): string {
  const macro = compileDestination(definition).clickIdMacro ?? 'affiliate_click_id'
  return clickIdOf(macro, {
    status: 'rejected',
    affiliateClickId: row.affiliate_click_id,
    clickId: row.click_id,
    subs: row.subs,
  })
}

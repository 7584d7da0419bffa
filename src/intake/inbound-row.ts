import type { AppError } from '../kit/app-error.ts'
import type { InboundRow } from './inbound-parts.ts'
import type { IntakeOutcome } from './intake.ts'
import type { FlushReport, InboundCall } from './report.ts'

/** How a decided report stands in inbound_calls: a refusal as quarantined, with its reason; a stale one not yet. */
export function toInboundRows({ call, report }: FlushReport, outcome: IntakeOutcome): InboundRow[] {
  if (outcome.result === 'stale') return []
  const found = { clickId: report.clickId, transactionId: report.transactionId, event: report.event }
  if (outcome.result === 'refused') return [quarantinedRow(call, outcome.error, found)]
  const row: InboundRow = {
    call,
    result: outcome.result,
    code: 'note' in outcome ? outcome.note : outcome.reason,
    message: null,
    field: null,
    httpStatus: outcome.result === 'parked' ? 202 : 200,
    conversionId: outcome.conversionId,
    revision: outcome.revision,
    ...found,
  }
  return [row]
}

export const quarantinedRow = (
  call: InboundCall,
  error: AppError,
  found: { clickId?: string | null; transactionId?: string | null; event?: string | null },
): InboundRow => ({
  call,
  result: 'quarantined',
  code: error.code,
  message: error.message,
  field: error.field ?? null,
  httpStatus: error.status,
  conversionId: null,
  revision: null,
  clickId: found.clickId ?? null,
  transactionId: found.transactionId ?? null,
  event: found.event ?? null,
})

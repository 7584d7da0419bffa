import { toCurl } from '../destinations/curl.ts'
import { encodeId, uuidTimeMs } from '../kit/ids.ts'
import { formatAmount } from '../kit/money.ts'
import type { Confirmation } from './confirmation.ts'
import type { AttemptRow, DeliveryRow } from './read-store.ts'
import type { AttemptWire, DeliveryDetailWire, DeliveryWire } from './schema.ts'

const iso = (at: Date | null): string | null => at?.toISOString() ?? null

export const toDeliveryWire = (row: DeliveryRow, confirmation: Confirmation = null): DeliveryWire => ({
  id: encodeId('delivery', row.id),
  state: row.state,
  reason: row.reason,
  conversion_id: encodeId('conversion', row.conversion_id),
  revision: row.revision,
  event: row.event,
  status: row.status,
  advertiser_id: encodeId('advertiser', row.advertiser_id),
  offer_id: encodeId('offer', row.offer_id),
  affiliate_id: encodeId('affiliate', row.affiliate_id),
  destination_id: encodeId('destination', row.destination_id),
  click_id: row.click_id,
  affiliate_click_id: row.affiliate_click_id,
  transaction_id: row.transaction_id,
  payout: row.payout === null ? null : formatAmount(row.payout, row.currency),
  currency: row.currency,
  attempts_count: row.attempts_count,
  due_at: iso(row.due_at),
  last: toLast(row),
  delivered_at: iso(row.delivered_at),
  ...(confirmation !== null && row.delivered_at !== null && { confirmation }),
  test: row.test,
  created_at: new Date(uuidTimeMs(row.id)).toISOString(),
  updated_at: row.updated_at.toISOString(),
})

/** A delivery that could not even be rendered has an error without an attempt. */
function toLast(row: DeliveryRow): DeliveryWire['last'] {
  if (row.last_attempt_at === null && row.last_error === null) return null
  return {
    http_status: row.last_http_status,
    verdict: row.last_verdict,
    error: row.last_error,
    at: iso(row.last_attempt_at),
  }
}

export function toDeliveryDetail(
  row: DeliveryRow,
  attempts: readonly AttemptRow[],
  confirmation: Confirmation = null,
): DeliveryDetailWire {
  const lastRequest = attempts.findLast((attempt) => attempt.request !== null)?.request ?? null
  return {
    ...toDeliveryWire(row, confirmation),
    attempts: attempts.map(toAttemptWire),
    curl: lastRequest === null ? null : toCurl(lastRequest as Parameters<typeof toCurl>[0]),
  }
}

const toAttemptWire = (row: AttemptRow, index: number): AttemptWire => ({
  number: index + 1,
  id: row.id,
  started_at: row.started_at.toISOString(),
  request: row.request,
  response: row.response ?? statusOnly(row.http_status),
  timings_ms: row.timings_ms,
  remote_ip: row.remote_ip,
  verdict: row.verdict,
  error: row.error,
  destination_version: row.destination_version,
  ...(row.replay_id !== null && { replay_id: encodeId('replay', row.replay_id) }),
  ...(row.late && { late: true }),
})

/** What is left of an answer whose body is not kept any more. */
const statusOnly = (status: number | null): AttemptWire['response'] =>
  status === null ? null : { status, headers: {}, body: null }

import type { Context } from '../context.ts'
import { encodeId, uuidTimeMs } from '../kit/ids.ts'
import type { OutboundOutcome } from '../outbound/outbound.ts'
import type { AttemptRecord, Outcome } from './outcome.ts'

/** One wide line and the counters of one call. Never the URL, headers or body: they may hold secrets and persons. */
export function logAttempt(
  ctx: Pick<Context, 'log' | 'clock' | 'metrics'>,
  { row, next }: Outcome,
  attempt: AttemptRecord,
  sent: OutboundOutcome,
): void {
  const { facts } = row
  const isFirstDelivered = attempt.verdict === 'delivered' && row.attemptsCount === 0
  const acceptedMs = uuidTimeMs(facts.deliveryId)
  ctx.metrics.attempt(
    attempt.verdict,
    isFirstDelivered ? Math.max(0, ctx.clock.nowMs() - acceptedMs) / 1000 : null,
  )
  if (!ctx.log.isLevelEnabled('info')) return
  ctx.log.info(
    {
      delivery: encodeId('delivery', facts.deliveryId),
      conversion: encodeId('conversion', facts.conversionId),
      destination: encodeId('destination', row.destinationId),
      revision: facts.revision,
      attempt: row.attemptsCount + 1,
      verdict: attempt.verdict,
      http_status: attempt.httpStatus,
      error: attempt.error,
      detail: sent.kind === 'error' ? sent.detail : undefined,
      ms: attempt.timingsMs,
      next: next.state,
      ...(next.state === 'scheduled' && { wait_ms: next.delayMs, retries_used: row.retriesUsed }),
      batch: row.batch.id,
    },
    'delivery attempted',
  )
}

import type { Destination } from '../catalogue/catalogue.ts'
import type { RenderedRequest } from '../destinations/render.ts'
import { newUuid, type Uuid } from '../kit/ids.ts'
import type { OutboundOutcome } from '../outbound/outbound.ts'
import type { AttemptRecord } from './outcome.ts'
import type { Judgement } from './verdict.ts'

/** A call that was made. */
export type Sent = {
  outcome: Exclude<OutboundOutcome, { kind: 'not_sent' }>
  startedAt: Date
  recorded: RenderedRequest
}

/** What is kept of a call. idMs: unix ms that its id carries; a partition must exist for it. */
export const toAttemptRecord = (call: {
  sent: Sent
  judgement: Judgement
  destination: Pick<Destination, 'version'>
  replayId: Uuid | null
  idMs: number
}): AttemptRecord => {
  const { outcome, startedAt, recorded } = call.sent
  return {
    id: newUuid(call.idMs),
    startedAt,
    verdict: call.judgement.verdict,
    httpStatus: outcome.kind === 'answer' ? outcome.answer.status : null,
    error: call.judgement.error,
    timingsMs: outcome.timings,
    remoteIp: outcome.remoteIp,
    destinationVersion: call.destination.version,
    replayId: call.replayId,
    request: recorded,
    response: toResponse(outcome),
  }
}

function toResponse(outcome: Sent['outcome']): unknown {
  if (outcome.kind === 'error') return null
  const { status, headers, body, bodyTruncated } = outcome.answer
  const kept = cut(body)
  return {
    status,
    headers,
    body: kept,
    ...((bodyTruncated || kept.length < body.length) && { truncated: true }),
  }
}

const KEPT_CHARACTERS = 4096

/** At most 4 KiB of UTF-8, never half a character. */
function cut(body: string): string {
  if (body.length * 3 <= KEPT_CHARACTERS || Buffer.byteLength(body) <= KEPT_CHARACTERS) return body
  const bytes = Buffer.from(body).subarray(0, KEPT_CHARACTERS)
  return new TextDecoder('utf-8', { fatal: false }).decode(bytes, { stream: true })
}

import type { Advertiser } from '../catalogue/catalogue.ts'
import type { AppError } from '../kit/app-error.ts'
import { encodeId, type Uuid } from '../kit/ids.ts'
import type { IntakeOutcome } from './intake.ts'

/** What a call comes to. `understood` is a dry run, of which nothing was stored. */
export type CallResult =
  | { outcome: Exclude<IntakeOutcome, { result: 'refused' | 'stale' }> }
  | { refused: AppError; callId: Uuid | null }
  | { understood: Record<string, unknown> }

export type AnswerStyle = { isText: boolean; isAlways200: boolean }

export const answerStyle = (isTextAsked: boolean, advertiser: Advertiser | undefined): AnswerStyle => ({
  isText: isTextAsked || advertiser?.answer.format === 'text',
  isAlways200: advertiser?.answer.always_200 === true,
})

export type CallAnswer = { status: number; contentType: string; payload: string; retryAfterS: number | null }

const JSON_TYPE = 'application/json; charset=utf-8'
const TEXT_TYPE = 'text/plain; charset=utf-8'

/**
 * The HTTP answer to an advertiser. `always_200` is for stacks that switch a hook off on 4xx: what was not stored at all
 * (429, 5xx) keeps its status, or the sender would not send it again.
 */
export function toCallAnswer(result: CallResult, style: AnswerStyle, requestId: string): CallAnswer {
  const status = statusOf(result)
  const isSoftened = style.isAlways200 && status < 500 && status !== 429
  return {
    status: isSoftened ? 200 : status,
    contentType: style.isText ? TEXT_TYPE : JSON_TYPE,
    payload: style.isText ? textOf(result) : JSON.stringify(toWireResult(result, requestId)),
    retryAfterS: 'refused' in result ? (result.refused.retryAfterS ?? null) : null,
  }
}

export function statusOf(result: CallResult): number {
  if ('refused' in result) return result.refused.status
  return 'outcome' in result && result.outcome.result === 'parked' ? 202 : 200
}

const textOf = (result: CallResult): string => ('refused' in result ? `ERROR ${result.refused.code}` : 'OK')

/** The body of an answer, also one entry of the results of a list. */
export function toWireResult(result: CallResult, requestId: string): Record<string, unknown> {
  if ('understood' in result) return result.understood
  if ('outcome' in result) return toWireOutcome(result.outcome)
  const { refused, callId } = result
  return {
    error: {
      ...refused.toWire(requestId),
      ...(callId !== null && { inbound_call_id: encodeId('inboundCall', callId) }),
    },
  }
}

function toWireOutcome(
  outcome: Exclude<IntakeOutcome, { result: 'refused' | 'stale' }>,
): Record<string, unknown> {
  const { result, revision } = outcome
  const conversion_id = encodeId('conversion', outcome.conversionId)
  if (outcome.result === 'parked') return { result, reason: outcome.reason, conversion_id, revision }
  return { result, conversion_id, revision, ...(outcome.note !== null && { note: outcome.note }) }
}

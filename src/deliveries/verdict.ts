import type { RefusalRule } from '../../config/presets/preset.ts'
import type { DestinationDefinition } from '../catalogue/catalogue.ts'
import { compileDestination } from '../destinations/compile.ts'
import type { OutboundAnswer, OutboundOutcome } from '../outbound/outbound.ts'
import { type BodyTest, meetsBodyTest } from './body-test.ts'
import { retryAfterMs } from './retry-after.ts'

export type Verdict = 'delivered' | 'refused' | 'retry'

/** What an outcome means (docs/delivery-guarantees.md). */
export type Judgement = {
  verdict: Verdict
  /** Word for attempts.error and the `error` filter: an OutboundErrorCode, `http_<status>`, `success_rule`, or a preset's refusal word; null where delivered. */
  error: string | null
  /** The receiver asked to wait (Retry-After of 429 and 503), ms, at most 24 h; the lane is blocked for that long and the retry is not counted. */
  retryAfterMs: number | null
  /** 410: the destination is to be disabled. */
  disable: boolean
}

type SuccessRule = DestinationDefinition['success']

/** What a destination and its tracker say about answers. */
export type VerdictRules = {
  success: SuccessRule
  refusals: readonly RefusalRule[] | null
}

/** Kept, shown and not retried: the receiver understood the call and will not change its mind. */
const REFUSED_STATUSES = new Set([400, 409, 413, 414, 422])
const WAIT_STATUSES = new Set([429, 503])

export const verdictRulesOf = (definition: DestinationDefinition): VerdictRules => ({
  success: definition.success,
  refusals: compileDestination(definition).refusals,
})

const judgement = (verdict: Verdict, error: string | null): Judgement => ({
  verdict,
  error,
  retryAfterMs: null,
  disable: false,
})

/**
 * Decides what a sent call came to. `statuses` of a success rule replaces "2xx"; its body or JSON conditions replace the
 * preset's refusal rules. A 2xx that is no success is refused, since the receiver may have counted it.
 * A dated Retry-After is measured from nowMs (unix ms).
 */
export function judge(
  outcome: Exclude<OutboundOutcome, { kind: 'not_sent' }>,
  rules: VerdictRules,
  nowMs: number = Date.now(),
): Judgement {
  if (outcome.kind === 'error') return judgement('retry', outcome.error)
  const { status, headers } = outcome.answer
  if (isSuccessStatus(status, rules.success)) return judgeSuccess(outcome.answer, rules)
  if (status >= 200 && status < 300) return judgement('refused', 'success_rule')
  if (status >= 300 && status < 400) return judgement('retry', 'redirect')
  const error = `http_${status}`
  if (REFUSED_STATUSES.has(status)) return judgement('refused', error)
  return {
    verdict: 'retry',
    error,
    retryAfterMs: WAIT_STATUSES.has(status) ? retryAfterMs(headers['retry-after'], nowMs) : null,
    disable: status === 410,
  }
}

const isSuccessStatus = (status: number, success: SuccessRule): boolean =>
  success?.statuses?.includes(status) ?? (status >= 200 && status < 300)

function judgeSuccess({ body, status }: OutboundAnswer, { success, refusals }: VerdictRules): Judgement {
  const tests = success === null ? [] : bodyTestsOf(success)
  if (tests.length > 0) {
    const isMet = tests.every((test) => meetsBodyTest(body, test))
    return isMet ? judgement('delivered', null) : judgement('refused', 'success_rule')
  }
  const refusal = refusals?.find((rule) => isRefusal(rule, status, body))
  if (refusal === undefined) return judgement('delivered', null)
  return judgement('refused', refusal.requireBody ? 'unexpected_answer' : refusal.word)
}

function bodyTestsOf(success: NonNullable<SuccessRule>): BodyTest[] {
  const tests: BodyTest[] = []
  if (success.body_contains !== undefined) tests.push({ contains: success.body_contains })
  if (success.body_not_contains !== undefined) tests.push({ notContains: success.body_not_contains })
  if (success.json !== undefined) tests.push({ json: success.json })
  return tests
}

/** A rule with requireBody turns round: the 2xx is refused if its body does not pass (or is empty, if nothing is asked of it). */
function isRefusal(rule: RefusalRule, status: number, body: string): boolean {
  if (rule.status !== undefined && !rule.status.includes(status)) return false
  const isMet = meetsBodyTest(body, rule)
  return rule.requireBody ? !isMet || body.trim() === '' : isMet
}

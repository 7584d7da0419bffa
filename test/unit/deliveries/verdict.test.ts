import { afterEach, describe, expect, test, vi } from 'vitest'
import { judge, type VerdictRules } from '../../../src/deliveries/verdict.ts'
import type { OutboundErrorCode, OutboundOutcome } from '../../../src/outbound/outbound.ts'

const timings = { dns: null, tcp: null, tls: null, first_byte: 1, total: 2 }
const noRules: VerdictRules = { success: null, refusals: null }
const nowMs = Date.parse('2026-03-01T12:00:00Z')
const dayMs = 24 * 3_600_000

function answer(status: number, body = '', headers: Record<string, string> = {}) {
  const outcome: OutboundOutcome = {
    kind: 'answer',
    answer: { status, headers, body, bodyTruncated: false },
    timings,
    remoteIp: '203.0.113.9',
  }
  return outcome
}

const verdictOf = (status: number, body = '', rules: VerdictRules = noRules) => {
  const { verdict, error } = judge(answer(status, body), rules, nowMs)
  return error === null ? verdict : `${verdict} ${error}`
}

describe('verdict by status', () => {
  test.each([200, 201, 202, 204, 299])('%i without rules is delivered', (status) => {
    expect(verdictOf(status)).toBe('delivered')
  })

  test.each([400, 409, 413, 414, 422])('%i is refused and not sent again', (status) => {
    expect(verdictOf(status)).toBe(`refused http_${status}`)
  })

  test.each([401, 403, 404, 405, 408, 418, 425, 429, 500, 502, 503, 599])('%i is sent again', (status) => {
    expect(verdictOf(status)).toBe(`retry http_${status}`)
  })

  test.each([300, 301, 302, 303, 304, 307, 308])('%i is sent again as a redirect', (status) => {
    expect(verdictOf(status)).toBe('retry redirect')
  })

  test('410 is sent again once the destination, now disabled, is enabled', () => {
    expect(judge(answer(410), noRules)).toEqual({
      verdict: 'retry',
      error: 'http_410',
      retryAfterMs: null,
      disable: true,
    })
  })

  test.each<OutboundErrorCode>(['dns_failed', 'timeout', 'connection_reset', 'bad_answer', 'tls_failed'])(
    'a call that failed with %s is sent again',
    (error) => {
      const outcome = { kind: 'error', error, detail: '', timings, remoteIp: null } as const
      expect(judge(outcome, noRules)).toEqual({ verdict: 'retry', error, retryAfterMs: null, disable: false })
    },
  )
})

describe('Retry-After', () => {
  afterEach(() => void vi.unstubAllEnvs())

  const wait = (status: number, value: string) =>
    judge(answer(status, '', { 'retry-after': value }), noRules, nowMs).retryAfterMs

  test.each([
    ['7', 7000],
    ['0', 0],
    [' 30 ', 30_000],
    ['86401', dayMs],
    ['99999999999999999999', dayMs],
    ['Sun, 01 Mar 2026 12:01:00 GMT', 60_000],
    ['Sunday, 01-Mar-26 12:01:00 GMT', 60_000],
    ['Sun Mar  1 12:01:00 2026', 60_000],
    ['Sun, 01 Mar 2026 11:00:00 GMT', 0],
    ['Wed, 01 Apr 2026 12:00:00 GMT', dayMs],
    ['soon', null],
    ['-5', null],
    ['1.5', null],
    ['2026-03-01', null],
    ['', null],
  ])('"%s" of a 503 means %s ms', (value, expected) => {
    expect(wait(503, value)).toBe(expected)
  })

  test('a date without a zone is UTC wherever the relay runs', () => {
    vi.stubEnv('TZ', 'America/New_York')
    expect(wait(503, 'Sun Mar  1 12:01:00 2026')).toBe(60_000)
  })

  test('counts for 429 and 503 only', () => {
    expect([429, 503, 500, 404, 200, 302].map((status) => wait(status, '9'))).toEqual([
      9000,
      9000,
      null,
      null,
      null,
      null,
    ])
  })
})

describe("a destination's success rule", () => {
  const rules = (success: VerdictRules['success']): VerdictRules => ({ success, refusals: null })

  test('statuses replace 2xx', () => {
    const only204 = rules({ statuses: [204, 302] })
    expect(verdictOf(204, '', only204)).toBe('delivered')
    expect(verdictOf(302, '', only204)).toBe('delivered')
    expect(verdictOf(200, '', only204)).toBe('refused success_rule')
    expect(verdictOf(500, '', only204)).toBe('retry http_500')
    expect(verdictOf(400, '', only204)).toBe('refused http_400')
  })

  test('a text must or must not be in the body, whatever its case', () => {
    expect(verdictOf(200, 'Saved: OK', rules({ body_contains: 'ok' }))).toBe('delivered')
    expect(verdictOf(200, 'nothing', rules({ body_contains: 'ok' }))).toBe('refused success_rule')
    expect(verdictOf(200, 'ERROR 5', rules({ body_not_contains: 'error' }))).toBe('refused success_rule')
    expect(verdictOf(200, 'fine', rules({ body_not_contains: 'error' }))).toBe('delivered')
  })

  test('texts are compared literally, not as patterns', () => {
    expect(verdictOf(200, 'aaa', rules({ body_contains: 'a.a' }))).toBe('refused success_rule')
  })

  test.each([
    ['{"data":[{"code":0}]}', 'data.0.code', 0, true],
    ['{"data":[{"code":"0"}]}', 'data.0.code', 0, false],
    ['{"ok":null}', 'ok', null, true],
    ['{}', 'ok', null, false],
    ['not json', 'ok', true, false],
    ['{"ok":true}', 'constructor.name', 'Object', false],
    ['"text"', 'length', 4, false],
  ])('in %s the value at %s is %j: %j', (body, path, equals, delivered) => {
    expect(verdictOf(200, body, rules({ json: { path, equals } }))).toBe(
      delivered ? 'delivered' : 'refused success_rule',
    )
  })

  test('all conditions must hold', () => {
    const both = rules({ statuses: [200], body_contains: 'ok', json: { path: 'ok', equals: true } })
    expect(verdictOf(200, '{"ok":true}', both)).toBe('delivered')
    expect(verdictOf(200, '{"ok":false}', both)).toBe('refused success_rule')
  })
})

describe("a preset's refusal rules", () => {
  const refusals: VerdictRules['refusals'] = [
    { word: 'unknown_click', contains: 'incorrect SUBID' },
    { word: 'paused', equals: 'paused' },
    { word: 'rejected', json: { path: 'code', notEquals: 0 } },
    { word: 'queued', status: [202] },
  ]
  const rules: VerdictRules = { success: null, refusals }

  test('a 2xx that says no is refused with the word of the rule', () => {
    expect(verdictOf(200, 'Error: Incorrect subid ""', rules)).toBe('refused unknown_click')
    expect(verdictOf(200, ' paused\n', rules)).toBe('refused paused')
    expect(verdictOf(200, 'not paused', rules)).toBe('delivered')
    expect(verdictOf(200, '{"code":40002}', rules)).toBe('refused rejected')
    expect(verdictOf(200, '{"code":0}', rules)).toBe('delivered')
    expect(verdictOf(202, '', rules)).toBe('refused queued')
  })

  test('other statuses keep their own verdict', () => {
    expect(verdictOf(500, 'incorrect subid', rules)).toBe('retry http_500')
  })

  test('a required body refuses a 2xx without it as unexpected_answer', () => {
    const required: VerdictRules = {
      success: null,
      refusals: [{ word: 'no_code', requireBody: true, json: { path: 'code', equals: 0 } }],
    }
    expect(verdictOf(200, '{"code":0}', required)).toBe('delivered')
    expect(verdictOf(200, '<html>', required)).toBe('refused unexpected_answer')
    const anything: VerdictRules = { success: null, refusals: [{ word: 'empty', requireBody: true }] }
    expect(verdictOf(200, ' ', anything)).toBe('refused unexpected_answer')
    expect(verdictOf(200, 'x', anything)).toBe('delivered')
  })

  test("give way to a destination's own body rule, not to its statuses", () => {
    expect(verdictOf(200, 'incorrect subid', { success: { body_contains: 'subid' }, refusals })).toBe(
      'delivered',
    )
    expect(verdictOf(200, 'incorrect subid', { success: { statuses: [200] }, refusals })).toBe(
      'refused unknown_click',
    )
  })
})

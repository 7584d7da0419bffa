import { expect, test } from 'vitest'
import {
  TRACE_CODES,
  type TracedCall,
  type TracedClick,
  type TracedConversion,
  type TracedDelivery,
  type TraceFacts,
} from '../../../src/deliveries/trace-facts.ts'
import { judgeTrace } from '../../../src/deliveries/trace-verdict.ts'

const AT = new Date('2026-03-01T10:00:00Z')
const LATER = new Date('2026-03-01T12:30:00Z')

const facts = (change: Partial<TraceFacts>): TraceFacts => ({
  id: 'order-7',
  named: { callId: null, deliveryId: null },
  clicks: [],
  calls: [],
  conversions: [],
  deliveries: [],
  ...change,
})

const click: TracedClick = { clickId: 'click-7', clickedAt: AT }

const call = (change: Partial<TracedCall> = {}): TracedCall => ({
  id: 'inb_1',
  result: 'accepted',
  httpStatus: 200,
  code: null,
  message: null,
  field: null,
  conversionId: 'cnv_1',
  createdAt: AT,
  reprocessedAt: null,
  ...change,
})

const conversion = (change: Partial<TracedConversion> = {}): TracedConversion => ({
  id: 'cnv_1',
  event: 'sale',
  status: 'approved',
  clickId: 'click-7',
  fanout: 'done',
  note: null,
  createdAt: AT,
  ...change,
})

const delivery = (change: Partial<TracedDelivery> = {}): TracedDelivery => ({
  id: 'dlv_1',
  conversionId: 'cnv_1',
  destinationId: 'dst_1',
  tracker: 'Binom (trk.example)',
  revision: 1,
  event: 'sale',
  status: 'approved',
  state: 'delivered',
  reason: null,
  affiliateClickId: 'aff-7',
  attemptsCount: 1,
  firstAttemptAt: AT,
  lastAttemptAt: AT,
  lastHttpStatus: 200,
  lastError: null,
  lastAnswer: 'OK',
  deliveredAt: AT,
  dueAt: null,
  createdAt: AT,
  ...change,
})

const withDelivery = (change: Partial<TracedDelivery>): TraceFacts =>
  facts({ conversions: [conversion()], deliveries: [delivery(change)] })

const WAITING = {
  deliveredAt: null,
  attemptsCount: 0,
  firstAttemptAt: null,
  lastAttemptAt: null,
  lastHttpStatus: null,
  lastAnswer: null,
}

const quarantined = call({
  result: 'quarantined',
  httpStatus: 400,
  code: 'unknown_status',
  message: 'This status word is not known.',
  field: 'status',
  conversionId: null,
})

/** What was found, the code, and what the sentence and the fix have to name. */
const CASES: [string, TraceFacts, string, string[], string[]][] = [
  ['nothing', facts({}), 'never_reported', ['order-7', 'no click, no call'], ['whole']],
  [
    'a click only',
    facts({ clicks: [click] }),
    'never_reported',
    ['click-7', '2026-03-01 10:00:00 UTC'],
    ['advertiser'],
  ],
  [
    'a refused call only',
    facts({ calls: [quarantined] }),
    'quarantined',
    ['inb_1', '2026-03-01 10:00:00 UTC', 'HTTP 400', 'unknown_status', 'status'],
    ['status_map', 'POST /v1/inbound-calls/inb_1/reprocess'],
  ],
  [
    'a refused call that was asked for',
    facts({
      named: { callId: 'inb_1', deliveryId: null },
      calls: [quarantined],
      conversions: [conversion()],
      deliveries: [delivery()],
    }),
    'quarantined',
    ['inb_1'],
    ['reprocess'],
  ],
  [
    'a repeat that was asked for',
    facts({
      named: { callId: 'inb_1', deliveryId: null },
      calls: [call({ result: 'duplicate', code: 'stale_status' })],
      conversions: [conversion()],
      deliveries: [delivery()],
    }),
    'duplicate',
    ['repeated conversion cnv_1', 'pending', 'accepted it with HTTP 200'],
    ['aff-7'],
  ],
  [
    'a parked conversion',
    facts({ conversions: [conversion({ fanout: 'parked' })] }),
    'parked',
    ['cnv_1', 'click-7', 'by itself'],
    ['POST /v1/clicks'],
  ],
  [
    'an unattributed one',
    facts({ conversions: [conversion({ fanout: 'unattributed' })] }),
    'unattributed',
    ['click-7 never came'],
    ['POST /v1/clicks'],
  ],
  [
    "a click of another advertiser's offer",
    facts({ conversions: [conversion({ fanout: 'unattributed', note: 'offer_of_other_advertiser' })] }),
    'unattributed',
    ["another advertiser's offer"],
    ['token'],
  ],
  [
    'one not decided yet',
    facts({ conversions: [conversion({ fanout: 'waiting' })] }),
    'waiting',
    ['cnv_1'],
    ['/readyz'],
  ],
  [
    'no destination',
    facts({ conversions: [conversion()] }),
    'no_destination',
    ['no destination'],
    ['POST /v1/destinations'],
  ],
  [
    'delivered',
    withDelivery({}),
    'delivered',
    ['Binom (trk.example)', 'sale (approved)', '2026-03-01 10:00:00 UTC', 'HTTP 200 "OK"'],
    ['aff-7', 'GET /v1/deliveries/dlv_1'],
  ],
  [
    'refused',
    withDelivery({
      state: 'refused',
      deliveredAt: null,
      lastHttpStatus: 400,
      lastError: 'http_400',
      lastAnswer: 'unknown\n click',
    }),
    'refused',
    ['HTTP 400 "unknown click"', 'not tried again'],
    ['POST /v1/deliveries/dlv_1/replay'],
  ],
  [
    'failed',
    withDelivery({
      state: 'failed',
      attemptsCount: 12,
      deliveredAt: null,
      lastAttemptAt: LATER,
      lastHttpStatus: null,
      lastError: 'timeout',
      lastAnswer: null,
    }),
    'failed',
    ['12 times', '2026-03-01 10:00:00 UTC', '2026-03-01 12:30:00 UTC', 'did not answer in time'],
    ['POST /v1/deliveries/dlv_1/replay'],
  ],
  [
    'failed since the tracker asked to wait for too long',
    withDelivery({
      state: 'failed',
      reason: 'receiver_asked',
      attemptsCount: 9,
      deliveredAt: null,
      lastHttpStatus: 429,
      lastError: 'http_429',
    }),
    'failed',
    ['HTTP 429', 'seven days'],
    ['replay'],
  ],
  [
    'failed before it could be sent',
    withDelivery({ ...WAITING, state: 'failed', lastError: 'The header X-Id would hold a line break.' }),
    'failed',
    ['could not be sent', 'line break'],
    ['template', 'replay'],
  ],
  ['on its way', withDelivery({ ...WAITING, state: 'scheduled' }), 'scheduled', ['on its way'], ['/readyz']],
  [
    'retried',
    withDelivery({
      state: 'scheduled',
      attemptsCount: 2,
      deliveredAt: null,
      lastHttpStatus: 502,
      lastError: 'http_502',
      lastAnswer: 'Bad gateway',
      dueAt: LATER,
    }),
    'retrying',
    ['2 times', 'HTTP 502 "Bad gateway"', 'next call is on 2026-03-01 12:30:00 UTC'],
    ['replay'],
  ],
  [
    'paused',
    withDelivery({ ...WAITING, state: 'held', reason: 'paused' }),
    'held',
    ['paused'],
    ['/v1/destinations/dst_1/resume'],
  ],
  [
    'disabled',
    withDelivery({ state: 'held', reason: 'disabled', lastHttpStatus: 410 }),
    'held',
    ['HTTP 410'],
    ['/v1/destinations/dst_1/resume'],
  ],
  [
    'broken',
    withDelivery({ ...WAITING, state: 'held', reason: 'breaker_open', dueAt: LATER }),
    'held',
    ['2026-03-01 12:30:00 UTC'],
    ['tracker'],
  ],
  [
    'asked to wait',
    withDelivery({ ...WAITING, state: 'held', reason: 'receiver_asked', dueAt: LATER }),
    'held',
    ['Retry-After'],
    ['rate limit'],
  ],
  [
    'delayed',
    withDelivery({ ...WAITING, state: 'held', reason: 'delay', dueAt: LATER }),
    'held',
    [
      'Sale (approved) is held and not yet at Binom',
      'delay_seconds',
      'It goes out on 2026-03-01 12:30:00 UTC',
    ],
    ['replay'],
  ],
  [
    'skipped',
    withDelivery({ ...WAITING, state: 'skipped', reason: 'status_not_selected' }),
    'skipped',
    ['statuses do not list'],
    ['POST /v1/deliveries/dlv_1/replay'],
  ],
  [
    'skipped after calls that may have arrived',
    withDelivery({
      state: 'skipped',
      reason: 'event_too_old',
      attemptsCount: 2,
      deliveredAt: null,
      lastHttpStatus: 502,
      lastError: 'http_502',
      lastAnswer: 'Bad gateway',
    }),
    'skipped',
    ['called 2 times', 'HTTP 502 "Bad gateway"', 'not called again, because it happened longer ago'],
    ['refuse it'],
  ],
  [
    'skipped for a reason without a text',
    withDelivery({ ...WAITING, state: 'skipped', reason: 'full_moon' }),
    'skipped',
    ['full_moon'],
    ['replay'],
  ],
  [
    'superseded',
    withDelivery({ ...WAITING, state: 'superseded' }),
    'superseded',
    ['newer report'],
    ['GET /v1/trace?id=cnv_1'],
  ],
  [
    'cancelled',
    withDelivery({ ...WAITING, state: 'cancelled', reason: 'destination_archived' }),
    'cancelled',
    ['destination was archived'],
    ['replay'],
  ],
]

test.each(CASES)(
  '%s: code, sentence and fix say what a person needs',
  (_what, found, code, inSentence, inFix) => {
    const verdict = judgeTrace(found)
    expect(verdict.code).toBe(code)
    for (const text of inSentence) expect(verdict.sentence).toContain(text)
    for (const text of inFix) expect(verdict.fix).toContain(text)
    expect(`${verdict.sentence}${verdict.fix}`).not.toMatch(/undefined|null|NaN|\{[^"]|\s\s|:id/)
  },
)

test('every code is the verdict of some case', () => {
  expect(new Set(CASES.map(([, , code]) => code))).toEqual(new Set(TRACE_CODES))
})

test('of several destinations the one that needs a person decides', () => {
  const verdict = judgeTrace(
    facts({
      conversions: [conversion()],
      deliveries: [
        delivery(),
        delivery({ id: 'dlv_2', destinationId: 'dst_2', state: 'failed', lastHttpStatus: 500 }),
        delivery({ id: 'dlv_3', destinationId: 'dst_3', state: 'skipped', reason: 'event_not_selected' }),
      ],
    }),
  )
  expect(verdict).toMatchObject({ code: 'failed', fix: expect.stringContaining('dlv_2') })
})

test('a destination that skipped does not hide the one that delivered', () => {
  const skipped = delivery({
    id: 'dlv_2',
    destinationId: 'dst_2',
    state: 'skipped',
    reason: 'event_not_selected',
  })
  expect(judgeTrace(facts({ conversions: [conversion()], deliveries: [skipped, delivery()] })).code).toBe(
    'delivered',
  )
})

test('an old failure does not hide that a newer revision reached the same tracker', () => {
  const verdict = judgeTrace(
    facts({
      conversions: [conversion()],
      deliveries: [
        delivery({ id: 'dlv_2', revision: 2 }),
        delivery({ state: 'failed', lastHttpStatus: 500 }),
      ],
    }),
  )
  expect(verdict.code).toBe('delivered')
})

test('an id of one delivery is answered for that delivery', () => {
  const verdict = judgeTrace(
    facts({
      named: { callId: null, deliveryId: 'dlv_1' },
      conversions: [conversion()],
      deliveries: [delivery(), delivery({ id: 'dlv_2', destinationId: 'dst_2', state: 'failed' })],
    }),
  )
  expect(verdict.code).toBe('delivered')
})

test('a later call that was refused is named beside the outcome', () => {
  const verdict = judgeTrace(
    facts({
      calls: [{ ...quarantined, createdAt: LATER }],
      conversions: [conversion()],
      deliveries: [delivery()],
    }),
  )
  expect(verdict.code).toBe('delivered')
  expect(verdict.sentence).toContain('inb_1')
  expect(verdict.sentence).toContain('unknown_status')
})

test('a long answer is cut, and stays on one line', () => {
  const verdict = judgeTrace(
    withDelivery({ state: 'refused', lastHttpStatus: 400, lastAnswer: `<html>\n${'x'.repeat(5000)}` }),
  )
  expect(verdict.sentence.length).toBeLessThan(400)
  expect(verdict.sentence).not.toContain('\n')
})

test('a long answer is not cut within a character', () => {
  const lastAnswer = `x${'😀'.repeat(200)}`
  const { sentence } = judgeTrace(withDelivery({ state: 'refused', lastHttpStatus: 400, lastAnswer }))
  expect(sentence).toContain('😀…')
})

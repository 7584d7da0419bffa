import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Offer, PayoutOverride, PayoutRule } from '../../../src/catalogue/catalogue.ts'
import { payoutOf } from '../../../src/fanout/payout.ts'
import { formatAmount, parseAmount } from '../../../src/kit/money.ts'

const offer = (payout: PayoutRule, overrides: PayoutOverride[] = []): Offer => ({
  id: 'o',
  externalId: null,
  advertiserId: 'a',
  name: 'Offer',
  landingUrl: null,
  payout,
  overrides,
  attributionWindowDays: 30,
  defaultStatus: 'approved',
  events: [],
  shared: [],
  state: 'active',
  archived: false,
})

const pay = (
  of: Offer,
  reported: Parameters<typeof payoutOf>[0]['reported'],
  affiliateId = 'x',
  event = 'sale',
) => payoutOf({ offer: of, affiliateId, event, reported })

test('a fixed payout is in its own currency, whatever was reported', () => {
  const fixed = offer({ type: 'fixed', value: '40', currency: 'EUR' })
  expect(pay(fixed, { payout: '1', currency: 'USD' })).toEqual({ payout: '40', currency: 'EUR', note: null })
})

test.each([
  [{ sale_amount: '200', revenue: '50', payout: '10' }, '20'],
  [{ revenue: '50', payout: '10' }, '5'],
  [{ payout: '10' }, '1'],
])('percent counts from sale_amount, else revenue, else payout: %o', (reported, expected) => {
  expect(pay(offer({ type: 'percent', value: '10', currency: 'USD' }), reported).payout).toBe(expected)
})

test('without anything to count from the payout is unknown, not zero', () => {
  const unknown = { payout: null, currency: 'USD', note: 'payout_unknown' }
  expect(pay(offer({ type: 'percent', value: '10', currency: 'USD' }), {})).toEqual(unknown)
  expect(pay(offer({ type: 'passthrough', currency: 'USD' }), { revenue: '5' })).toEqual(unknown)
})

test('overrides: affiliate + event before affiliate before event before the offer', () => {
  const overrides: PayoutOverride[] = [
    { event: 'Sale', type: 'fixed', value: '3' },
    { affiliate_id: 'x', type: 'fixed', value: '2' },
    { affiliate_id: 'x', event: 'sale', type: 'fixed', value: '1', currency: 'GBP' },
  ]
  const of = offer({ type: 'fixed', value: '4', currency: 'USD' }, overrides)
  const answers = [
    pay(of, {}, 'x', 'sale'),
    pay(of, {}, 'x', 'lead'),
    pay(of, {}, 'y', 'sale'),
    pay(of, {}, 'y', 'lead'),
  ]
  expect(answers.map(({ payout, currency }) => `${payout} ${currency}`)).toEqual([
    '1 GBP',
    '2 USD',
    '3 USD',
    '4 USD',
  ])
})

test.each([
  ['1.25', 'USD', '1.25'],
  ['2.5', 'USD', '2.50'],
  ['0.0035', 'USD', '0.0035'],
  ['7', 'JPY', '7'],
  ['7.1', 'KWD', '7.100'],
  ['7.1', 'CLF', '7.1000'],
  ['12.340000', null, '12.34'],
])('%s %s is written %s', (value, currency, expected) => {
  expect(formatAmount(value, currency)).toBe(expected)
})

test.each([
  ['12,50', '12.5'],
  ['999999999999.999999', '999999999999.999999'],
  ['1,250', null],
  ['1e3', null],
  ['-1', null],
  ['', null],
  ['.5', null],
  ['1234567890123', null],
  ['1.1234567', null],
])('the amount %s is read as %s', (text, expected) => {
  expect(parseAmount(text)).toBe(expected)
})

test('writing and reading an amount keeps its value to the last of six digits', () => {
  const amount = fc.tuple(fc.bigInt({ min: 0n, max: 999_999_999_999n }), fc.integer({ min: 0, max: 999_999 }))
  fc.assert(
    fc.property(amount, ([whole, micros]) => {
      const text = `${whole}.${String(micros).padStart(6, '0')}`
      const again = parseAmount(formatAmount(text, 'USD'))
      expect(again && formatAmount(again, null)).toBe(formatAmount(text, null))
      expect(BigInt((again ?? '').split('.')[0] ?? '')).toBe(whole)
    }),
  )
})

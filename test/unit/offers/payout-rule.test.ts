import { expect, test } from 'vitest'
import { type PayoutInput, toOverrides, toPayoutRule } from '../../../src/offers/payout-rule.ts'

test.each<[PayoutInput, object]>([
  [
    { type: 'fixed', value: '12,50', currency: 'eur' },
    { type: 'fixed', value: '12.5', currency: 'EUR' },
  ],
  [
    { type: 'fixed', value: 12.5, currency: 'USDT' },
    { type: 'fixed', value: '12.5', currency: 'USDT' },
  ],
  [
    { type: 'percent', value: '7.125', currency: 'EUR' },
    { type: 'percent', value: '7.125', currency: 'EUR' },
  ],
  [
    { type: 'passthrough', value: null, currency: 'EUR' },
    { type: 'passthrough', currency: 'EUR' },
  ],
])('%j is a rule', (input, rule) => {
  expect(toPayoutRule(input, 'payout')).toEqual(rule)
})

test.each<[PayoutInput, string, string]>([
  [{ type: 'fixed', currency: 'EUR' }, 'missing_field', 'payout.value'],
  [{ type: 'fixed', value: '1' }, 'missing_field', 'payout.currency'],
  [{ type: 'fixed', value: '1', currency: 'XXZ' }, 'invalid_currency', 'payout.currency'],
  [{ type: 'fixed', value: '-1', currency: 'EUR' }, 'invalid_amount', 'payout.value'],
  [{ type: 'fixed', value: '1,250', currency: 'EUR' }, 'invalid_amount', 'payout.value'],
  [{ type: 'fixed', value: '1'.repeat(40), currency: 'EUR' }, 'invalid_amount', 'payout.value'],
  [{ type: 'fixed', value: 0.1 + 0.2, currency: 'EUR' }, 'invalid_amount', 'payout.value'],
  [{ type: 'percent', value: '1000.01', currency: 'EUR' }, 'invalid_field', 'payout.value'],
  [{ type: 'passthrough', value: '1', currency: 'EUR' }, 'invalid_field', 'payout.value'],
])('%j is refused as %s %s', (input, code, field) => {
  expect(() => toPayoutRule(input, 'payout')).toThrow(expect.objectContaining({ code, field }))
})

const resolve = (text: string): string => `id-of-${text}`

test('an override names affiliate, event or both, events in lower case', () => {
  expect(
    toOverrides(
      [
        { affiliate_id: 'a', event: ' Sale ', type: 'fixed', value: '1' },
        { event: 'sale', type: 'passthrough' },
      ],
      resolve,
    ),
  ).toEqual([
    { affiliate_id: 'id-of-a', event: 'sale', type: 'fixed', value: '1' },
    { event: 'sale', type: 'passthrough' },
  ])
})

test.each([
  [[{ type: 'passthrough' as const }], 'overrides.0'],
  [
    [
      { event: 'sale', type: 'passthrough' as const },
      { event: 'SALE', type: 'passthrough' as const },
    ],
    'overrides.1',
  ],
])('an override without a target, or for one that has one, is refused', (inputs, field) => {
  expect(() => toOverrides(inputs, resolve)).toThrow(expect.objectContaining({ field }))
})

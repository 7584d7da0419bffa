import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CANONICAL_FIELDS } from '../../../src/intake/field-names.ts'
import { readTestCall, reportOf } from './read-test-call.ts'

/** API.md 5, the table of names, in the order in which they count. */
const TABLE: Record<string, { property: string; names: string[] }> = {
  click_id: {
    property: 'clickId',
    names: ['click_id', 'clickid', 'click-id', 'cid', 'click', 'subid', 'sub_id'],
  },
  transaction_id: {
    property: 'transactionId',
    names: [
      'transaction_id',
      'txid',
      'txn_id',
      'order_id',
      'orderid',
      'action_id',
      'transactionid',
      'trans_id',
    ],
  },
  affiliate_click_id: { property: 'affiliateClickId', names: ['affiliate_click_id', 'aff_click_id'] },
  event: { property: 'event', names: ['event', 'goal', 'goal_id', 'et', 'type', 'event_name'] },
  affiliate_id: { property: 'affiliateId', names: ['affiliate_id', 'aff_id', 'pid'] },
  offer_id: { property: 'offerId', names: ['offer_id', 'oid'] },
}

const sentAs = (names: readonly string[]): string => names.map((name, at) => `${name}=v${at}`).join('&')
const identified = 'click_id=c&transaction_id=t'

for (const [field, { property, names }] of Object.entries(TABLE)) {
  const readValue = (query: string): unknown =>
    Reflect.get(reportOf({ query: field.endsWith('ion_id') ? `click_id=c&${query}` : query }), property)
  const base = field === 'click_id' || field === 'transaction_id' ? '' : `${identified}&`

  test(`${field} is read from each of its names, in any letter case`, () => {
    for (const name of names) {
      expect(readValue(`${base}${name}=x7`)).toBe('x7')
      expect(readValue(`${base}${name.toUpperCase()}=x7`)).toBe('x7')
    }
  })

  test(`of several names of ${field} the first in the table counts, wherever it stands in the call`, () => {
    for (let from = 0; from < names.length; from++) {
      const present = names.slice(from)
      expect(readValue(`${base}${sentAs(present)}`)).toBe('v0')
      expect(readValue(`${base}${sentAs(present).split('&').reverse().join('&')}`)).toBe('v0')
    }
  })
}

test.each(['conv_status', 'cnv_status', 'state'])('status is read from %s', (name) => {
  expect(reportOf({ query: `${identified}&${name}=hold` }).status).toBe('pending')
})

test.each(['amount', 'sum', 'sale', 'price', 'order_sum', 'total'])('sale_amount is read from %s', (name) => {
  expect(reportOf({ query: `${identified}&${name}=7` }).saleAmount).toBe('7')
})

describe('tid', () => {
  test('is the click id if none of its names is there, even beside a transaction id', () => {
    expect(reportOf({ query: 'tid=x' })).toMatchObject({ clickId: 'x', transactionId: null })
    expect(reportOf({ query: 'order_id=o&TID=x' })).toMatchObject({ clickId: 'x', transactionId: 'o' })
  })

  test('is the transaction id if a click id came under another name', () => {
    expect(reportOf({ query: 'tid=x&cid=c' })).toMatchObject({ clickId: 'c', transactionId: 'x' })
  })

  test('is the transaction id beside a click id that came empty, and never that click id', () => {
    expect(reportOf({ query: 'subid=&status=rejected&tid=ORDER-7' })).toMatchObject({
      clickId: null,
      hasEmptyClickId: true,
      transactionId: 'ORDER-7',
    })
    expect(reportOf({ query: 'tid=x&click_id=&order_id=o' })).toMatchObject({
      clickId: null,
      transactionId: 'o',
      params: { tid: 'x' },
    })
  })

  test('is a parameter like any other beside both ids', () => {
    expect(reportOf({ query: 'tid=x&cid=c&txid=t' })).toMatchObject({
      clickId: 'c',
      transactionId: 't',
      params: { tid: 'x' },
    })
  })

  test('means what the param_map says, and then nothing else', () => {
    const paramMap = { event: 'tid' }
    expect(reportOf({ query: 'tid=X&cid=c', paramMap })).toMatchObject({ event: 'x', transactionId: null })
  })
})

describe('param_map', () => {
  test('a name used in the map loses its own meaning', () => {
    const paramMap = { click_id: 'transaction_id', transaction_id: 'adv_sub' }
    expect(reportOf({ query: 'transaction_id=c1&adv_sub=o1', paramMap })).toMatchObject({
      clickId: 'c1',
      transactionId: 'o1',
    })
    expect(reportOf({ query: 'transaction_id=c1', paramMap })).toMatchObject({
      clickId: 'c1',
      transactionId: null,
    })
  })

  test('the mapped name comes before the canonical one, which still counts where the mapped one is missing or empty', () => {
    const paramMap = { click_id: 'ref' }
    expect(reportOf({ query: 'click_id=a&ref=b', paramMap })).toMatchObject({
      clickId: 'b',
      params: { click_id: 'a' },
    })
    expect(reportOf({ query: 'click_id=a&ref=', paramMap }).clickId).toBe('a')
  })

  test('dots reach into nested JSON', () => {
    const paramMap = { transaction_id: 'data.orders.0.id' }
    const body = '{"click_id":"c","data":{"orders":[{"id":"o9"}]}}'
    expect(reportOf({ body, paramMap }).transactionId).toBe('o9')
  })

  test('names that are also properties of every object mean nothing by themselves', () => {
    const query = `${identified}&constructor=1&__proto__=2&toString=3&hasOwnProperty=4`
    expect(Object.entries(reportOf({ query }).params)).toEqual([
      ['constructor', '1'],
      ['__proto__', '2'],
      ['toString', '3'],
      ['hasOwnProperty', '4'],
    ])
    expect(() => reportOf({ query: `${identified}&status=constructor` })).toThrow(/status word/)
  })
})

test('every parameter ends in exactly one field or in params', () => {
  const name = fc.constantFrom(
    ...CANONICAL_FIELDS.slice(0, 4),
    'tid',
    'clickid',
    'cid',
    'goal',
    'txid',
    'color',
  )
  fc.assert(
    fc.property(fc.uniqueArray(name, { minLength: 1 }), (names) => {
      const reading = readTestCall({ query: names.map((each, at) => `${each}=v${at}`).join('&') })
      if ('error' in reading) return
      const used = Array.from(reading.fields.values()).map(({ from }) => from)
      expect([...used, ...Object.keys(reading.report.params)].sort()).toEqual([...names].sort())
    }),
  )
})

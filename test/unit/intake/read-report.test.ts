import { describe, expect, test } from 'vitest'
import { refusalOf, reportOf } from './read-test-call.ts'

const STATUS_WORDS = {
  approved: 'approved approve confirmed accepted sale paid completed credited success ok 1',
  pending: 'pending hold wait lead new processing open 2 5',
  rejected:
    'rejected reject declined decline canceled cancelled cancel trash reversed refunded chargeback scrubbed void invalid 3',
} as const

describe('status', () => {
  for (const [status, words] of Object.entries(STATUS_WORDS)) {
    test.each(words.split(' '))(`%s is ${status}, in any letter case`, (word) => {
      expect(reportOf({ query: `click_id=c&status=${word}` }).status).toBe(status)
      expect(reportOf({ query: `click_id=c&status=+${word.toUpperCase()}+` }).status).toBe(status)
    })
  }

  test("the advertiser's own word comes before ours", () => {
    const statusMap = { sale: 'pending', 'zur prüfung': 'pending' } as const
    expect(reportOf({ query: 'click_id=c&status=Sale', statusMap }).status).toBe('pending')
    expect(reportOf({ query: 'click_id=c&status=Zur%20Pr%C3%BCfung', statusMap }).status).toBe('pending')
  })

  test('another word is refused by name', () => {
    const error = refusalOf({ query: 'click_id=c&conv_status=maybe' })
    expect(error).toMatchObject({ code: 'unknown_status', status: 400, field: 'status' })
    expect(error.message).toContain('conv_status = "maybe"')
    expect(error.fix).toBeTruthy()
  })

  test('an absent or empty one is null', () => {
    expect(reportOf({ query: 'click_id=c' }).status).toBeNull()
    expect(reportOf({ query: 'click_id=c&status=' }).status).toBeNull()
  })
})

describe('amounts', () => {
  test.each([
    ['12.50', '12.5'],
    ['12,50', '12.5'],
    ['0', '0'],
    ['000123456789.123456', '123456789.123456'],
    ['+5', '5'],
  ])('%s is read as %s', (text, amount) => {
    expect(reportOf({ query: `click_id=c&payout=${text}` }).payout).toBe(amount)
  })

  test.each([
    '1,250',
    '1e3',
    '-5',
    '1234567890123',
    '0.1234567',
    '12.50USD',
    '$5',
    '1.2.3',
    '9'.repeat(40),
    '.',
    '{payout}',
    'NaN',
  ])('%s is refused with field and fix', (text) => {
    for (const field of ['payout', 'revenue', 'sale_amount'])
      expect(refusalOf({ query: `click_id=c&${field}=${encodeURIComponent(text)}` })).toMatchObject({
        code: 'invalid_amount',
        field,
        fix: expect.stringContaining('status=rejected'),
      })
  })

  test('a JSON number keeps its digits: no float comes near it', () => {
    expect(
      reportOf({ body: '{"click_id":1234567890123456789012345678901234567890,"payout":12.10}' }),
    ).toMatchObject({
      clickId: '1234567890123456789012345678901234567890',
      payout: '12.1',
    })
    expect(reportOf({ body: '{"click_id":"c","payout":123456789012.123456}' }).payout).toBe(
      '123456789012.123456',
    )
    expect(refusalOf({ body: `{"click_id":"c","payout":${'1'.repeat(40)}}` }).code).toBe('invalid_amount')
    expect(refusalOf({ body: '{"click_id":"c","payout":1e2}' }).code).toBe('invalid_amount')
  })
})

describe('currency', () => {
  test.each(['EUR', 'usd', 'Usdt', 'BTC'])('%s is known', (code) => {
    expect(reportOf({ query: `click_id=c&currency=${code}` }).currency).toBe(code.toUpperCase())
  })

  test.each(['EURO', 'ZZZ', 'DOGE', '€', '978'])('%s is refused', (code) => {
    expect(refusalOf({ query: `click_id=c&currency=${encodeURIComponent(code)}` })).toMatchObject({
      code: 'invalid_currency',
      field: 'currency',
    })
  })
})

describe('who is meant', () => {
  test('a report without click id, pair and transaction id is refused', () => {
    for (const query of ['', 'payout=1', 'affiliate_id=a', 'offer_id=o', 'sub1=x'])
      expect(refusalOf({ query })).toMatchObject({ code: 'click_id_missing', field: 'click_id' })
  })

  test('an empty click id with nothing else is a macro that was replaced with nothing', () => {
    for (const query of ['click_id=', 'payout=1&clickid=', 'cid=+', 'tid=', 'click_id=&affiliate_id=a'])
      expect(refusalOf({ query })).toMatchObject({ code: 'macro_not_replaced', field: 'click_id' })
  })

  test('an empty click id beside something that identifies is as good as none', () => {
    expect(reportOf({ query: 'click_id=&transaction_id=t' })).toMatchObject({
      clickId: null,
      transactionId: 't',
    })
    expect(reportOf({ query: 'click_id=&cid=c' }).clickId).toBe('c')
    expect(reportOf({ query: 'click_id=&affiliate_id=a&offer_id=o' }).clickId).toBeNull()
  })

  test.each([
    '{clickid}',
    '{{x}}',
    '{{ x }}',
    `\${x}`,
    'pre-{sub1}',
    '{}',
    '#s1#',
    '[x]',
    '[=ClickID=]',
    '%x%',
    '%%x%%',
    '<click_id>',
    'REPLACE',
    'REPLACE_ME',
    'REPLACE_WITH_CLICKID',
    'optional',
    '%7Bclickid%7D',
    '%257Bclickid%257D',
  ])('the click id %s is a placeholder that was never replaced', (text) => {
    const refused = { code: 'macro_not_replaced', field: 'click_id', status: 400 }
    expect(refusalOf({ query: `click_id=${encodeURIComponent(text)}&transaction_id=t` })).toMatchObject(
      refused,
    )
    expect(refusalOf({ body: JSON.stringify({ cid: text }) })).toMatchObject(refused)
  })

  test('percent signs around a name are a placeholder although they are no valid encoding', () => {
    for (const query of ['click_id=%clickid%', 'click_id=%aff_id%', 'click_id=%%x%%'])
      expect(refusalOf({ query }).code).toBe('macro_not_replaced')
  })

  test('a placeholder as transaction id is refused, else every sale would be a duplicate of the first', () => {
    const refused = refusalOf({ query: 'click_id=c&order_id={oid}' })
    expect(refused).toMatchObject({ code: 'macro_not_replaced', field: 'transaction_id' })
    expect(refused.message).toBe(
      'The transaction id is a placeholder that was never replaced. Received order_id = "{oid}".',
    )
    expect(refused.fix).not.toContain('click id')
  })

  test.each([
    '{6F9619FF-8B86-D011-B42D-00C04FC964FF}',
    'w2o8dkq7vj3n',
    '#1001',
    'a%b',
    'replaced4u',
    'REPLACE9x',
    'REPLACEMENT-1001',
    'Replacement-77',
    '100%',
    '[1]',
  ])('%s is a click id', (text) => {
    expect(reportOf({ query: `click_id=${encodeURIComponent(text)}` }).clickId).toBe(text)
  })
})

test('subs end with the last one that was sent, with null where one is missing', () => {
  expect(reportOf({ query: 'click_id=c&sub10=z&sub2=b&sub3=' }).subs).toEqual([
    null,
    'b',
    ...Array.from({ length: 7 }, () => null),
    'z',
  ])
  expect(reportOf({ query: 'click_id=c' }).subs).toEqual([])
})

describe('lengths', () => {
  test.each([
    ['click_id', 500],
    ['affiliate_click_id', 500],
    ['sub1', 500],
    ['sub10', 500],
    ['transaction_id', 255],
    ['event', 128],
  ])('%s has at most %i characters', (field, max) => {
    const base = field === 'click_id' ? '' : 'click_id=c&'
    expect(() => reportOf({ query: `${base}${field}=${'x'.repeat(max)}` })).not.toThrow()
    expect(refusalOf({ query: `${base}${field}=${'x'.repeat(max + 1)}` })).toMatchObject({
      code: 'field_too_long',
      field,
      fix: expect.stringContaining(String(max)),
    })
  })

  test('every other parameter has at most 4096 characters and its name 128', () => {
    expect(() => reportOf({ query: `click_id=c&note=${'x'.repeat(4096)}` })).not.toThrow()
    expect(refusalOf({ query: `click_id=c&note=${'x'.repeat(4097)}` })).toMatchObject({ field: 'note' })
    expect(refusalOf({ query: `click_id=c&${'n'.repeat(129)}=1` }).code).toBe('field_too_long')
  })

  test('500 parameters are read, 501 are refused, repeated ones included', () => {
    const query = (count: number): string =>
      Array.from({ length: count }, (_, at) => `p${at % 7}=1`).join('&')
    expect(() => reportOf({ query: `${query(499)}&click_id=c` })).not.toThrow()
    expect(refusalOf({ query: `${query(500)}&click_id=c` })).toMatchObject({
      code: 'too_many_parameters',
      status: 400,
    })
    const body = JSON.stringify({ click_id: 'c', list: Array.from({ length: 3000 }, () => 1) })
    expect(refusalOf({ body }).code).toBe('too_many_parameters')
  })
})

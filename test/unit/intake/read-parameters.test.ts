import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AppError } from '../../../src/kit/app-error.ts'
import { readTestCall, refusalOf, reportOf } from './read-test-call.ts'

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')
const nested = (levels: number): string => `{"a":${'['.repeat(levels)}1${']'.repeat(levels)},"click_id":"c"}`

describe('query and form', () => {
  test('values are percent-decoded as UTF-8 and + is a space', () => {
    expect(reportOf({ query: 'click_id=c&city=M%C3%BCn+chen%2B&%63olor=r%26b' }).params).toEqual({
      city: 'Mün chen+',
      color: 'r&b',
    })
  })

  test('bytes that came without percent-encoding are UTF-8 too', () => {
    expect(
      reportOf({ query: `click_id=c&city=${Buffer.from('Zürich').toString('latin1')}` }).params.city,
    ).toBe('Zürich')
    expect(reportOf({ body: 'click_id=c&city=Zürich' }).params.city).toBe('Zürich')
  })

  test('of a repeated name the last value counts', () => {
    expect(reportOf({ query: 'click_id=a&payout=1&click_id=b&payout=2' })).toMatchObject({
      clickId: 'b',
      payout: '2',
    })
    expect(reportOf({ query: 'CLICK_ID=a&click_id=b' }).clickId).toBe('b')
    expect(reportOf({ query: 'click_id=b&Click_Id=a' }).clickId).toBe('a')
  })

  test('the body comes before the query', () => {
    const call = { query: 'click_id=q&payout=1', body: 'click_id=b' }
    expect(reportOf(call)).toMatchObject({ clickId: 'b', payout: '1' })
    expect(reportOf({ ...call, body: '{"click_id":"j","payout":null}' })).toMatchObject({
      clickId: 'j',
      payout: '1',
    })
  })

  test('pairs joined with &amp; out of HTML are pairs', () => {
    expect(reportOf({ query: 'click_id=c&amp;status=rejected' })).toMatchObject({
      status: 'rejected',
      params: {},
    })
  })

  test('spaces around a name are no part of it', () => {
    const spaced = { query: 'click_id=c&+payout=1&sub1%20=s&%20status=rejected%0A' }
    const understood = { clickId: 'c', payout: '1', status: 'rejected', params: {} }
    expect(reportOf(spaced)).toMatchObject({ ...understood, subs: ['s'] })
    expect(reportOf({ body: 'click_id=c& payout=1&\r\nstatus=rejected' })).toMatchObject(understood)
    expect(reportOf({ body: '{"click_id":"c"," payout":1,"status ":"rejected"}' })).toMatchObject(understood)
  })

  test('odd pairs cost nothing', () => {
    expect(reportOf({ query: '&&click_id=c&=x&flag&a=b=c&' })).toMatchObject({
      clickId: 'c',
      params: { '': 'x', flag: '', a: 'b=c' },
    })
  })
})

describe('broken text', () => {
  const BROKEN = ['%zz', '%', '%4', '%E9', '%C3', 'a%00b', '%ED%A0%80', '%C0%80', '\u00e9']

  test.each(BROKEN)('%j in a canonical field is refused', (text) => {
    for (const name of ['click_id', 'transaction_id', 'event', 'sub3', 'aff_click_id', 'payout'])
      expect(refusalOf({ query: `cid=ok&${name}=x${text}` })).toMatchObject({
        code: 'invalid_encoding',
        status: 400,
        fix: expect.any(String),
      })
  })

  test.each(BROKEN)('%j in another parameter costs no conversion', (text) => {
    const { params } = reportOf({ query: `click_id=c&product=Caf${text}` })
    expect(params.product).toMatch(/^Caf.*\ufffd/)
    expect(params.product).not.toContain('\0')
  })

  test('a Latin-1 product name in a form body is kept with U+FFFD', () => {
    expect(reportOf({ body: latin1('click_id=c&product=Café') }).params.product).toBe('Caf\ufffd')
  })

  test('NUL and lone surrogates in JSON are refused in a field and replaced elsewhere', () => {
    for (const text of ['a\\u0000', '\\ud800', '\\udc00x']) {
      expect(refusalOf({ body: `{"click_id":"${text}"}` })).toMatchObject({
        code: 'invalid_encoding',
        field: 'click_id',
      })
      expect(reportOf({ body: `{"click_id":"c","x":"${text}"}` }).params.x).toContain('\ufffd')
      expect(Object.keys(reportOf({ body: `{"click_id":"c","${text}":"x"}` }).params)[0]).toContain('\ufffd')
    }
  })

  test('JSON in Latin-1 is read, but not where it damages a field', () => {
    expect(reportOf({ body: latin1('{"click_id":"c","product":"Café"}') }).params.product).toBe('Caf\ufffd')
    expect(refusalOf({ body: latin1('{"click_id":"é"}') }).code).toBe('invalid_encoding')
  })

  test('U+FFFD that was really sent is a character like any other, unless it comes out of the store', () => {
    expect(reportOf({ query: 'click_id=%EF%BF%BD' }).clickId).toBe('\ufffd')
    expect(refusalOf({ query: 'click_id=%EF%BF%BD', isFromStore: true }).code).toBe('invalid_encoding')
  })
})

describe('the body is read as what it looks like', () => {
  const form = 'click_id=c&payout=1.5'
  const json = '{"click_id":"c","payout":1.5}'

  test.each([
    undefined,
    'text/plain',
    'application/json',
    'application/x-www-form-urlencoded; charset=',
    'nonsense',
    '',
  ])('content type %j', (contentType) => {
    const type = contentType === undefined ? {} : { contentType }
    for (const body of [form, json, `${form}\r\n`, `\ufeff${json}`, `\n ${json}\n`, `\ufeff${form}`])
      expect(reportOf({ body, ...type })).toMatchObject({ clickId: 'c', payout: '1.5' })
  })

  test('a multipart form, as PHP sends an array of fields', () => {
    const body = [
      '--xYz',
      'Content-Disposition: form-data; name="click_id"',
      '',
      'c+1%20',
      '--xYz',
      'content-disposition: form-data; name="note"; filename="a.txt"',
      'Content-Type: text/plain',
      '',
      'line one\r\nZürich',
      '--xYz--',
      '',
    ].join('\r\n')
    for (const contentType of [
      'multipart/form-data; boundary=xYz',
      'Multipart/Form-Data; boundary="xYz"; charset=x',
    ])
      expect(reportOf({ body, contentType })).toMatchObject({
        clickId: 'c+1%20',
        params: { note: 'line one\r\nZürich' },
      })
  })

  test.each([
    '{"click_id":"c"',
    '["click_id"]',
    '[]',
    '{"click_id":"c"}}',
    "{'click_id':'c'}",
    '{click_id=c}',
  ])('%s is malformed', (body) => {
    expect(refusalOf({ body })).toMatchObject({ code: 'malformed', status: 400, fix: expect.any(String) })
  })

  test('JSON is told that it is none where the type says JSON', () => {
    expect(refusalOf({ body: 'hello', contentType: 'application/json' }).code).toBe('malformed')
  })

  test('a compressed body is said to be one', () => {
    expect(refusalOf({ body: '\x1f\x8b...' })).toMatchObject({
      code: 'malformed',
      message: 'The body is compressed.',
      fix: expect.stringContaining('Content-Encoding'),
    })
  })

  test('JSON as deep as a stack is malformed, 30 levels are read', () => {
    expect(reportOf({ body: nested(30) }).clickId).toBe('c')
    for (const levels of [33, 5000, 400_000])
      expect(refusalOf({ body: nested(levels) }).code).toBe('malformed')
  })

  test('of a name that JSON repeats the last value counts, and booleans are text', () => {
    expect(reportOf({ body: '{"click_id":"a","click_id":"b","vip":false}' })).toMatchObject({
      clickId: 'b',
      params: { vip: 'false' },
    })
  })
})

const isStorable = (text: string): boolean => text.isWellFormed() && !text.includes('\0')

const textsIn = (value: unknown): string[] => {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.entries(value).flat().flatMap(textsIn) : []
}

describe('anything at all', () => {
  const bytes = fc.uint8Array({ maxLength: 400 }).map((array) => Buffer.from(array))
  const spicy = fc
    .array(
      fc.constantFrom(
        '&',
        '=',
        '%',
        '%00',
        '%E9',
        '+',
        '{',
        '}',
        '"',
        ':',
        '[',
        ']',
        'click_id',
        'tid',
        'status',
        '\\ud800',
        '--x',
        '\r\n\r\n',
        '\0',
        'é',
        '1e9',
      ),
      {
        maxLength: 60,
      },
    )
    .map((pieces) => Buffer.from(pieces.join('')))
  const contentType = fc.constantFrom('multipart/form-data; boundary=x', 'application/json', 'text/plain')

  test('bytes in query and body lead to a report or to a 4xx, never to another error', () => {
    fc.assert(
      fc.property(fc.oneof(bytes, spicy), fc.oneof(bytes, spicy), contentType, (query, body, type) => {
        const reading = readTestCall({ query: query.toString('latin1'), body, contentType: type })
        if ('error' in reading) expect(reading.error).toBeInstanceOf(AppError)
        else expect(textsIn(reading.report).filter((text) => !isStorable(text))).toEqual([])
      }),
      { numRuns: 2000 },
    )
  })

  test('any text survives the way through a query, a form and JSON', () => {
    const text = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 50 })
      .filter((value) => !value.includes('\0'))
    fc.assert(
      fc.property(text, (value) => {
        const form = `click_id=c&x=${encodeURIComponent(value)}`
        expect(reportOf({ query: form }).params.x).toBe(value)
        expect(reportOf({ body: form }).params.x).toBe(value)
        expect(reportOf({ body: JSON.stringify({ click_id: 'c', x: value }) }).params.x).toBe(value)
      }),
    )
  })
})

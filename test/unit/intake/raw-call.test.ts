import { expect, test } from 'vitest'
import { readCallOptions } from '../../../src/intake/call-options.ts'
import { toRawCall } from '../../../src/intake/raw-call.ts'

const token = 'adv_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789_-abcde'
const raw = (url: string, rest: Partial<Parameters<typeof toRawCall>[0]> = {}) =>
  toRawCall({ method: 'GET', url, headers: {}, body: null, isWhole: true, token, ...rest })

test.each([
  [`/postback/${token}?click_id=c`, '/postback/***?click_id=c'],
  [`/postback/${token}`, '/postback/***'],
  ['//postback//short', '//postback//***'],
  ['http://relay.example/postback/short?a=1', 'http://relay.example/postback/***?a=1'],
  [`/postback/${encodeURIComponent(token).replace('_', '%5F')}?a=1`, '/postback/***?a=1'],
  [`/postback?token=${token}&a=1`, '/postback?token=***&a=1'],
  [`/postback?a=1&%74oken=${token}`, '/postback?a=1&token=***'],
  ['/postback?token=short&a=tokens', '/postback?token=***&a=tokens'],
  [`/postback?a=${token}`, '/postback?a=***'],
  ['/postback?a=%E9&b=1', '/postback?a=%E9&b=1'],
  ['/postback?a=1&amp;token=short', '/postback?a=1&token=***'],
])('%s is kept as %s', (url, kept) => {
  expect(raw(url).url).toBe(kept)
})

test('credentials in headers and the token in header or body are masked, all else is kept', () => {
  const headers = {
    authorization: 'Bearer x',
    cookie: 'a',
    'x-api-key': 'k',
    referer: `https://x.example/${token}`,
    'user-agent': 'curl',
    'x-list': ['a', 'b'],
  }
  expect(raw('/postback/x', { headers, body: Buffer.from(`u=${token}&n=é\0`) })).toMatchObject({
    headers: {
      authorization: '***',
      cookie: '***',
      'x-api-key': '***',
      referer: 'https://x.example/***',
      'user-agent': 'curl',
      'x-list': 'a, b',
    },
    body: 'u=***&n=é\ufffd',
    truncated: false,
  })
})

test('a body is kept up to 64 KiB', () => {
  const body = Buffer.from('é'.repeat(40_000))
  const kept = raw('/postback/x', { body })
  expect(kept.truncated).toBe(true)
  expect(kept.body).toHaveLength(32_768)
  expect(raw('/postback/x', { body: Buffer.from('x'), isWhole: false }).truncated).toBe(true)
})

test.each([
  ['', { token: '', isText: false, isDryRun: false }],
  ['token=a&token=b%2B&format=TEXT&dry_run=1', { token: 'b+', isText: true, isDryRun: true }],
  ['format=json&dry_run=0&xformat=text', { token: '', isText: false, isDryRun: false }],
  ['a=1&amp;token=a&amp;format=text&amp;dry_run=1', { token: 'a', isText: true, isDryRun: true }],
  ['dry_run=true&format', { token: '', isText: false, isDryRun: true }],
])('the options of %j', (query, options) => {
  expect(readCallOptions(query)).toEqual(options)
})

test('a token under a name that is not read is masked too', () => {
  expect(raw(`/postback?Token=${token}&a=1`, { token: '' })).toMatchObject({ url: '/postback?token=***&a=1' })
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { assertLandingUrl, renderLandingUrl } from '../../../src/offers/landing-url.ts'

const facts = {
  network_click_id: 'clk_1',
  affiliate_click_id: null,
  affiliate_id: 'a',
  offer_id: 'o',
  subs: ['one', null],
}

test.each([
  'https://shop.example/?c={network_click_id}&s={sub1}{sub10}&a={affiliate_id}&o={offer_id}&x={affiliate_click_id}',
  'http://shop.example:8080/path#frag',
])('%s may be a landing page', (url) => {
  expect(() => assertLandingUrl(url)).not.toThrow()
})

test.each([
  'shop.example',
  'javascript:alert(1)',
  'ftp://shop.example/',
  'https://user:secret@shop.example/',
  'https://shop.example/?c={clickid}',
  'https://shop.example/?c={sub11}',
  'https://shop.example/?c={}',
  'https://{sub1}.example/',
  'https://shop.example/\r\nset-cookie: a=b',
  'https://shop.example/\u00e4',
  'https://shop.example/a b',
])('%s may not', (url) => {
  expect(() => assertLandingUrl(url)).toThrow(expect.objectContaining({ field: 'landing_url' }))
})

test('values that are absent are empty', () => {
  expect(renderLandingUrl('https://s.example/?a={sub1}&b={sub2}&c={affiliate_click_id}', facts)).toBe(
    'https://s.example/?a=one&b=&c=',
  )
})

test('no value breaks out of its parameter', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (value) => {
      const url = renderLandingUrl('https://s.example/?a={sub1}&b=end', { ...facts, subs: [value] })
      const parsed = new URL(url)
      expect([...parsed.searchParams.keys()]).toEqual(['a', 'b'])
      expect(parsed.searchParams.get('a')).toBe(value)
      expect(url).toMatch(/^[\x21-\x7e]+$/)
    }),
  )
})

test.each(['..', '.', '...'])('a value of %s does not climb out of its folder', (value) => {
  const url = renderLandingUrl('https://s.example/lp/{sub1}/go?x={sub1}', { ...facts, subs: [value] })
  expect(new URL(url).pathname).toBe('/lp//go')
  expect(new URL(url).searchParams.get('x')).toBe(value)
})

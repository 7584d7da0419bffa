import fc from 'fast-check'
import { expect, test } from 'vitest'
import { renderDelivery } from '../../../src/destinations/render.ts'
import { sampleBox, sampleInput } from '../../support/destination-samples.ts'

const value = fc
  .string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 12 })
  .filter((one) => one.trim() === one)
const odd = fc.constantFrom("$&$1$'", '{secret', '"\\', '%7B', 'a b', '€', '..', '{sub1}', '&x=1')

test('a secret stands where its macro stands, encoded for its place, and nowhere in the record', () => {
  fc.assert(
    fc.property(fc.oneof(value, odd), fc.oneof(value, odd), (a, b) => {
      const base = {
        method: 'POST' as const,
        secrets: { A: sampleBox.seal(`<${a}>`), B: sampleBox.seal(`<${b}>`) },
        url: 'https://t.shop.com/x{secret:A}/y?a={secret:A}&b={secret:B}&both={secret:A}-{secret:B|upper}&c={cid}',
        headers: { 'x-key': 'Bearer {secret:A}' },
      }
      const json = renderDelivery(
        sampleInput({
          definition: {
            ...base,
            body: '{"a":"{secret:A}","bare":{secret:A},"n":[{"b":"{secret:B}"}],"c":"{cid}"}',
          },
        }),
      )
      const url = new URL(json.request.url)
      expect(decodeURIComponent(url.pathname)).toBe(`/x<${a}>/y`)
      const query = (name: string) => url.searchParams.get(name)
      expect([query('a'), query('b'), query('c')]).toEqual([`<${a}>`, `<${b}>`, 'wABCDEF123'])
      expect(query('both')).toBe(`<${a}>-<${b.toUpperCase()}>`)
      const header = json.request.headers['x-key'] ?? ''
      expect(Buffer.from(header, 'latin1').toString('utf8')).toBe(`Bearer <${a}>`)
      expect(JSON.parse(json.request.body ?? '')).toEqual({
        a: `<${a}>`,
        bare: `<${a}>`,
        n: [{ b: `<${b}>` }],
        c: 'wABCDEF123',
      })
      expect(JSON.stringify(json.recorded)).not.toContain(JSON.stringify(`<${a}>`).slice(1, -1))

      const form = renderDelivery(
        sampleInput({ definition: { ...base, body: 'a={secret:A}&b={secret:B}&c={cid}' } }),
      )
      expect(Object.fromEntries(new URLSearchParams(form.request.body ?? ''))).toEqual({
        a: `<${a}>`,
        b: `<${b}>`,
        c: 'wABCDEF123',
      })
    }),
    { numRuns: 2000 },
  )
})

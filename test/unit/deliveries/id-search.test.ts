import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readIdSearch, toLikePattern } from '../../../src/deliveries/id-search.ts'
import { encodeId, newUuid } from '../../../src/kit/ids.ts'

const NOUNS = ['delivery', 'conversion', 'destination'] as const

test('every beginning of an id finds it', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2 ** 47 }),
      fc.constantFrom(...NOUNS),
      fc.nat(26),
      (at, noun, length) => {
        const uuid = newUuid(at)
        const beginning = encodeId(noun, uuid).slice(0, 4 + length)
        const search = readIdSearch(beginning, NOUNS)
        expect(search).toMatchObject({ kind: 'range', noun })
        if (search.kind !== 'range') return
        expect(search.from <= uuid && uuid <= search.to).toBe(true)
      },
    ),
  )
})

test('a whole id finds only itself', () => {
  const uuid = newUuid(1_700_000_000_000)
  expect(readIdSearch(encodeId('delivery', uuid), NOUNS)).toEqual({
    kind: 'range',
    noun: 'delivery',
    from: uuid,
    to: uuid,
  })
})

test.each([
  'abc',
  'dlv',
  'dlv_ilo',
  'dlv_zzzz',
  'DLV_01h',
  'dlv_01h455vb4pex5vsknk084sn02q0',
  'cnv-1',
  '%',
  '',
])('%j is the beginning of a text', (text) => {
  expect(readIdSearch(text, NOUNS)).toMatchObject({ kind: 'prefix' })
})

test('wildcards of LIKE have no meaning in a search', () => {
  expect(toLikePattern('50%_off\\')).toBe('50\\%\\_off\\\\%')
})

test('any text at all gives a search', () => {
  fc.assert(fc.property(fc.string(), (text) => readIdSearch(text, NOUNS) !== null))
})

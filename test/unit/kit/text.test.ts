import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toStorableText } from '../../../src/kit/text.ts'

test('what Postgres can not store is replaced, everything else is kept', () => {
  expect(toStorableText('a\0b\ud800c\udc00d')).toBe('a\ufffdb\ufffdc\ufffdd')
  expect(toStorableText('grün 😀')).toBe('grün 😀')
})

test('any text becomes storable', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(0xffff)), (units) => {
      const text = toStorableText(String.fromCharCode(...units))
      expect(text.isWellFormed() && !text.includes('\0')).toBe(true)
      expect(text).toHaveLength(units.length)
    }),
  )
})

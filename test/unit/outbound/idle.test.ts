import { expect, test } from 'vitest'
import { idleMsAfter } from '../../../src/outbound/idle.ts'

test.each([
  [undefined, 4000],
  ['', 4000],
  ['max=100', 4000],
  ['timeout=60', 4000],
  ['timeout=3', 2000],
  ['max=100, timeout=3', 2000],
  ['Timeout=2', 1000],
  ['timeout=1', 0],
  ['timeout=0', 0],
])('after Keep-Alive "%s" a connection is kept %i ms', (header, expected) => {
  expect(idleMsAfter(header)).toBe(expected)
})

import { expect, test } from 'vitest'
import { type Claims, claimsOf, HeldClaims } from '../../../src/intake/claims.ts'
import type { Report } from '../../../src/intake/report.ts'
import { reportOf } from '../../support/reports.ts'

const claims = (said: Partial<Report>, advertiserId = 'a'): Claims =>
  claimsOf(advertiserId, reportOf(said)) ?? { alone: 'nothing', shared: null }

const T = { transactionId: 't' }
const C = { clickId: 'c' }
const PAIR = { affiliateId: 'aff', offerId: 'offer', affiliateClickId: 'x' }

test.each([
  ['one transaction', T, { ...T, event: 'x' }],
  ['one transaction, with a click and without', T, { ...T, ...C }],
  ['one click', C, { ...C, event: 'x' }],
  ["one affiliate's click", PAIR, PAIR],
  ['a click alone behind a transaction that names it', { ...T, ...C }, C],
  ['a transaction behind its click alone', C, { ...T, ...C }],
])('%s: the second waits for the first', (_what, first, second) => {
  const held = new HeldClaims()
  held.hold(claims(first))
  expect(held.blocks(claims(second))).toBe(true)
  held.release(claims(first))
  expect(held.blocks(claims(second))).toBe(false)
})

test.each([
  ['two transactions of one click', { ...T, ...C }, { ...C, transactionId: 'u' }],
  ['a click id that looks like a transaction id', T, { clickId: 't' }],
  ['a transaction that names no click, and a click alone', T, C],
])('%s: both at once', (_what, first, second) => {
  const held = new HeldClaims()
  held.hold(claims(first))
  expect(held.blocks(claims(second))).toBe(false)
})

test('the same transaction of two advertisers: both at once', () => {
  const held = new HeldClaims()
  held.hold(claims(T, 'a'))
  expect(held.blocks(claims(T, 'b'))).toBe(false)
})

test('a click alone waits for the last of several transactions that name it', () => {
  const held = new HeldClaims()
  const first = claims({ ...T, ...C })
  const second = claims({ ...C, transactionId: 'u' })
  held.hold(first)
  held.hold(second)
  held.release(first)
  expect(held.blocks(claims(C))).toBe(true)
  held.release(second)
  expect(held.blocks(claims(C))).toBe(false)
})

test('a report that nothing identifies claims nothing', () => {
  expect(claimsOf('a', reportOf({ affiliateId: 'aff', offerId: 'offer' }))).toBeNull()
})

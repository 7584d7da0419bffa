import { expect, test } from 'vitest'
import { isRefusedValue, isUnavailable, sqlState } from '../../../src/db/database.ts'

const coded = (code: string): Error => Object.assign(new Error('failed'), { code })

test.each(['40P01', '57P01', '0A000', 'XX001', 'HV00A', '23505'])('%s is a state of PostgreSQL', (code) => {
  expect(sqlState(coded(code))).toBe(code)
})

test.each([
  'EPIPE',
  'ECONNRESET',
  'ECONNREFUSED',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ERR_STREAM_DESTROYED',
])('%s is a connection that is gone, and no state of PostgreSQL', (code) => {
  expect([sqlState(coded(code)), isUnavailable(coded(code)), isRefusedValue(coded(code))]).toEqual([
    null,
    true,
    false,
  ])
})

test.each(['57P01', '53300', '08006', '25006', '25P03', '28P01', '3D000', '58030'])(
  '%s means that Postgres may be back later',
  (code) => {
    expect(isUnavailable(coded(code))).toBe(true)
  },
)

test.each(['22021', '23505', '54000'])('%s is refused again however often it is tried', (code) => {
  expect([isRefusedValue(coded(code)), isUnavailable(coded(code))]).toEqual([true, false])
})

test('a bug is neither', () => {
  const bug = new TypeError('x is not a function')
  expect([isUnavailable(bug), isRefusedValue(bug)]).toEqual([false, false])
})

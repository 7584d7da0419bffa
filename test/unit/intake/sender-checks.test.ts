import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { isAddressAllowed } from '../../../src/intake/ip-allowlist.ts'
import { assertSigned } from '../../../src/intake/signature.ts'

describe('an IP list', () => {
  test.each([
    [[], '198.51.100.7', true],
    [['198.51.100.7'], '198.51.100.7', true],
    [['198.51.100.7'], '198.51.100.8', false],
    [['198.51.100.0/24'], '198.51.100.200', true],
    [['198.51.100.0/24'], '198.51.101.1', false],
    [[' 198.51.100.7 '], '::ffff:198.51.100.7', true],
    [['::ffff:198.51.100.7'], '198.51.100.7', true],
    [['::ffff:198.51.100.0/120'], '198.51.100.200', true],
    [['::ffff:198.51.100.0/120'], '198.51.101.1', false],
    [['2001:db8::/32'], '2001:db8:1::5', true],
    [['2001:db8::/32'], '2001:db9::5', false],
    [['0.0.0.0/0'], '2001:db8::1', false],
    [['nonsense', '10.0.0.0/99', '10.0.0.0/x'], '10.0.0.1', false],
    [['10.0.0.0/8'], 'nonsense', false],
  ])('%j and %s: %s', (list, address, isAllowed) => {
    expect(isAddressAllowed(list, address)).toBe(isAllowed)
  })
})

describe('a signature', () => {
  const nowMs = 1_714_557_600_000
  const signed = Buffer.from('click_id=c')
  const digest = (t: number, secret = 's'): string =>
    createHmac('sha256', secret).update(`${t}.click_id=c`).digest('hex')
  const check = (header: string | undefined) => () => assertSigned({ secret: 's', header, signed, nowMs })
  const t = nowMs / 1000

  test('is accepted within five minutes, with spaces, upper case and a second v1 for a changed secret', () => {
    for (const at of [t, t - 300, t + 300]) expect(check(`t=${at},v1=${digest(at)}`)).not.toThrow()
    expect(check(` t=${t} , v1=${digest(t, 'old')}, v1=${digest(t).toUpperCase()}`)).not.toThrow()
  })

  test.each([
    [undefined, 'signature_missing'],
    ['  ', 'signature_missing'],
    ['x', 'signature_invalid'],
    [`v1=${digest(t)}`, 'signature_invalid'],
    [`t=${t},v1=${digest(t).slice(2)}`, 'signature_invalid'],
    [`t=${t + 1},v1=${digest(t)}`, 'signature_invalid'],
    [`t=${t},v0=${digest(t)}`, 'signature_invalid'],
    [`t=${t - 301},v1=${digest(t - 301)}`, 'signature_expired'],
    [`t=${t + 301},v1=${digest(t + 301)}`, 'signature_expired'],
  ])('%s: %s', (header, code) => {
    expect(check(header)).toThrow(expect.objectContaining({ code, status: 401 }))
  })
})

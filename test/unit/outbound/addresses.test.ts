import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { vetAddress, vetHostname } from '../../../src/outbound/addresses.ts'

const bytesToIp = (bytes: number[]): string => bytes.join('.')
const hex = (bytes: number[]): string => Buffer.from(bytes).toString('hex')

describe('addresses', () => {
  test.each([
    '8.8.8.8',
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '223.255.255.255',
    '2606:4700::1111',
    '2a00:1450:4001:81b::200e',
  ])('%s is public and may be called', (ip) => {
    expect(vetAddress(ip, [])).toBeNull()
  })

  test.each([
    ['10.0.0.1', 'private'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.168.1.1', 'private'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['0.0.0.0', 'unspecified'],
    ['0.1.2.3', 'unspecified'],
    ['169.254.169.254', 'link-local'],
    ['100.64.0.1', 'shared'],
    ['100.100.100.200', 'shared'],
    ['168.63.129.16', 'metadata'],
    ['192.0.0.192', 'reserved'],
    ['192.0.2.1', 'documentation'],
    ['198.51.100.1', 'documentation'],
    ['203.0.113.1', 'documentation'],
    ['198.18.0.1', 'benchmarking'],
    ['192.88.99.1', '6to4'],
    ['224.0.0.1', 'multicast'],
    ['240.0.0.1', 'reserved'],
    ['255.255.255.255', 'broadcast'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['fe80::1', 'link-local'],
    ['fec0::1', 'deprecatedSiteLocal'],
    ['fc00::1', 'private'],
    ['fd00:ec2::254', 'private'],
    ['ff02::1', 'multicast'],
    ['100::1', 'discard'],
    ['2001:db8::1', 'documentation'],
    ['3fff::1', 'documentation'],
    ['2001:2::1', 'reserved'],
    ['2001::1', 'reserved'],
    ['5f00::1', 'segmentRouting'],
    ['4000::1', 'reserved'],
    ['::ffff:8.8.8.8', 'IPv4-in-IPv6'],
    ['::ffff:7f00:1', 'IPv4-in-IPv6'],
    ['::7f00:1', 'reserved'],
    ['64:ff9b::8.8.8.8', 'NAT64'],
    ['64:ff9b:1::a00:1', 'NAT64'],
    ['2002:a00:1::1', '6to4'],
    ['2606:4700::5efe:10.0.0.1', 'private'],
    ['fe80::1%eth0', 'not an IP address'],
    ['127.1', 'not an IP address'],
    ['', 'not an IP address'],
  ])('%s is refused: %s', (ip, why) => {
    expect(vetAddress(ip, [])).toContain(why)
  })

  test('an allowed range opens itself and nothing else', () => {
    expect(vetAddress('127.0.0.1', ['127.0.0.0/8'])).toBeNull()
    expect(vetAddress('10.1.2.3', ['10.1.2.3'])).toBeNull()
    expect(vetAddress('::1', ['::1/128', '127.0.0.0/8'])).toBeNull()
    expect(vetAddress('10.1.2.4', ['10.1.2.3'])).toContain('private')
    expect(vetAddress('::ffff:127.0.0.1', ['127.0.0.0/8'])).toContain('IPv4-in-IPv6')
    expect(vetAddress('::1', ['127.0.0.0/8'])).toContain('loopback')
  })

  test('an allowed NAT64 range still does not lead to a private address', () => {
    expect(vetAddress('64:ff9b::8.8.8.8', ['64:ff9b::/96'])).toBeNull()
    expect(vetAddress('64:ff9b::a9fe:a9fe', ['64:ff9b::/96'])).toContain('169.254.169.254 is a link-local')
    expect(vetAddress('2002:a00:1::1', ['2002::/16'])).toContain('10.0.0.1 is a private')
  })

  test('no way of writing a private IPv4 address into an IPv6 address gets through', () => {
    const privateBytes = fc.tuple(fc.constantFrom(10, 127), fc.nat(255), fc.nat(255), fc.nat(255))
    fc.assert(
      fc.property(privateBytes, (bytes) => {
        const ip = bytesToIp(bytes)
        const inverted = bytes.map((byte) => byte ^ 0xff)
        const groups = (parts: number[]) => `${hex(parts.slice(0, 2))}:${hex(parts.slice(2))}`
        const spellings = [
          ip,
          `::${ip}`,
          `::ffff:${ip}`,
          `::ffff:0:${ip}`,
          `64:ff9b::${ip}`,
          `64:ff9b:1::${ip}`,
          `2002:${groups(bytes)}::1`,
          `2001:0:808:808:0:0:${groups(inverted)}`,
          `2606:4700::200:5efe:${groups(bytes)}`,
        ]
        for (const spelling of spellings) expect(vetAddress(spelling, []), spelling).not.toBeNull()
      }),
    )
  })
})

describe('hosts', () => {
  test.each([
    'example.com',
    'EXAMPLE.com.',
    'bücher.de',
    'xn--bcher-kva.de',
    '1e100.net',
    '8.8.8.8',
    '[2606:4700::1111]',
  ])('%s has nothing against it', (hostname) => {
    expect(vetHostname(hostname)).toBeNull()
  })

  test.each([
    ['0x7f.1', 'odd spelling of the address 127.0.0.1'],
    ['2130706433', 'odd spelling of the address 127.0.0.1'],
    ['127.1', 'odd spelling of the address 127.0.0.1'],
    ['0177.0.0.1', 'odd spelling of the address 127.0.0.1'],
    ['１２７.0.0.1', 'odd spelling of the address 127.0.0.1'],
    ['127.0.0.1.', 'loopback'],
    ['127.0.0.1', 'loopback'],
    ['[::1]', 'loopback'],
    ['[::ffff:127.0.0.1]', 'IPv4-in-IPv6'],
    ['[fe80::1%25eth0]', 'zone id'],
    ['%31%32%37.0.0.1', 'percent sign'],
    ['localhost', 'private network'],
    ['LOCALHOST.', 'private network'],
    ['a.localhost', 'private network'],
    ['metadata.google.internal', 'private network'],
    ['metadata', 'private network'],
    ['printer.local', 'private network'],
    ['nas.home.arpa', 'private network'],
    ['example.com..', 'empty part'],
    ['foo..com', 'empty part'],
    ['1.2.3.4.5', 'not a host name'],
    ['user@example.com', 'not a host name'],
    ['example.com:80', 'not a host name'],
    ['a b', 'not a host name'],
    ['', 'empty'],
  ])('%s is refused: %s', (hostname, why) => {
    expect(vetHostname(hostname)).toContain(why)
  })

  test('local names are left to their addresses where ranges are opened, odd spellings never', () => {
    expect(vetHostname('localhost', ['127.0.0.0/8'])).toBeNull()
    expect(vetHostname('relay-demo', ['172.16.0.0/12'])).toBeNull()
    expect(vetHostname('127.0.0.1', ['127.0.0.0/8'])).toBeNull()
    expect(vetHostname('127.1', ['127.0.0.0/8'])).toContain('odd spelling')
  })

  test('any text gets an answer', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void vetHostname(text)))
  })
})

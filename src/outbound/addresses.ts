import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

// What may be called (G8). An address that is not plainly public is refused; a name is only a promise,
// so whoever dials must vet each address it resolved to and dial one of those.

type Address = ReturnType<typeof ipaddr.parse>

const RANGE_WORDS: Readonly<Record<string, string>> = {
  unspecified: 'an unspecified',
  broadcast: 'a broadcast',
  multicast: 'a multicast',
  linkLocal: 'a link-local',
  loopback: 'a loopback',
  carrierGradeNat: 'a shared (carrier-grade NAT)',
  private: 'a private',
  uniqueLocal: 'a private',
  reserved: 'a reserved',
  benchmarking: 'a benchmarking',
  ipv4Mapped: 'an IPv4-in-IPv6',
  rfc6052: 'a NAT64',
  rfc6145: 'a translated IPv4',
  '6to4': 'a 6to4',
  teredo: 'a Teredo',
}

/**
 * Ranges that the address library calls unicast, or that it files under a word of its own, and that are no place for a
 * tracker: registries of special-purpose addresses (IANA) and metadata services on public-looking addresses.
 */
const SPECIAL_RANGES: readonly (readonly [cidr: string, word: string])[] = [
  ['0.0.0.0/8', 'an unspecified'],
  ['192.0.0.0/24', 'a reserved'],
  ['192.0.2.0/24', 'a documentation'],
  ['192.88.99.0/24', 'a 6to4 relay'],
  ['198.18.0.0/15', 'a benchmarking'],
  ['198.51.100.0/24', 'a documentation'],
  ['203.0.113.0/24', 'a documentation'],
  ['168.63.129.16/32', 'a cloud metadata'],
  ['2001::/23', 'a reserved'],
  ['2001:db8::/32', 'a documentation'],
  ['3fff::/20', 'a documentation'],
  ['64:ff9b:1::/48', 'a NAT64'],
]

const SPECIAL = SPECIAL_RANGES.map(([cidr, word]) => ({ range: ipaddr.parseCIDR(cidr), word }))
const GLOBAL_UNICAST_V6 = ipaddr.parseCIDR('2000::/3')

function isIn(address: Address, [base, bits]: [Address, number]): boolean {
  return address.kind() === base.kind() && address.match(base, bits)
}

const fromBytes = (bytes: readonly number[]): string => bytes.join('.')

/** The IPv4 addresses that an IPv6 transition address leads to. */
function embeddedIpv4(address: Address): string[] {
  if (address.kind() !== 'ipv6') return []
  const bytes = address.toByteArray()
  const range = address.range()
  if (range === 'ipv4Mapped' || range === 'rfc6052') return [fromBytes(bytes.slice(12))]
  if (range === '6to4') return [fromBytes(bytes.slice(2, 6))]
  if (range === 'teredo')
    return [fromBytes(bytes.slice(4, 8)), fromBytes(bytes.slice(12).map((byte) => byte ^ 0xff))]
  const isIsatap = bytes[9] === 0 && bytes[10] === 0x5e && bytes[11] === 0xfe
  return isIsatap && (bytes[8] === 0 || bytes[8] === 2) ? [fromBytes(bytes.slice(12))] : []
}

function whyNotPublic(address: Address): string | null {
  const special = SPECIAL.find(({ range }) => isIn(address, range))
  if (special) return special.word
  const range = address.range()
  if (range !== 'unicast') return RANGE_WORDS[range] ?? `a special (${range})`
  return address.kind() === 'ipv4' || isIn(address, GLOBAL_UNICAST_V6) ? null : 'a reserved'
}

/**
 * Why this IP address may not be called, or null if it may: it is public, or in one of allowCidrs
 * (then an IPv4 address embedded in it must be callable too).
 */
export function vetAddress(ip: string, allowCidrs: readonly string[]): string | null {
  if (isIP(ip) === 0 || ip.includes('%')) return `${ip} is not an IP address that can be called`
  const address = ipaddr.parse(ip)
  const allowed = allowCidrs.some((cidr) => isIn(address, toRange(cidr)))
  const word = allowed ? null : whyNotPublic(address)
  if (word !== null) return `${ip} is ${word} address`
  for (const inner of embeddedIpv4(address)) {
    const why = vetAddress(inner, allowCidrs)
    if (why !== null) return `${ip} leads further: ${why}`
  }
  return null
}

function toRange(cidr: string): [Address, number] {
  if (cidr.includes('/')) return ipaddr.parseCIDR(cidr)
  const address = ipaddr.parse(cidr)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}

/** Names that mean this machine, its network or its cloud; a public tracker has none of them. */
const LOCAL_SUFFIXES = [
  'localhost',
  'localdomain',
  'local',
  'internal',
  'intranet',
  'private',
  'corp',
  'home',
  'lan',
  'home.arpa',
]

/** `2130706433`, `0x7f.1`, `127.1`: the last label is a number, so a URL parser reads an IPv4 address. */
const ENDS_IN_NUMBER = /(^|\.)(\d+|0x[0-9a-f]*)$/i

const isLocalName = (name: string): boolean =>
  !name.includes('.') || LOCAL_SUFFIXES.some((suffix) => name === suffix || name.endsWith(`.${suffix}`))

/** A host without the brackets of an IPv6 address and without one trailing dot, lower case. */
export const bareHostname = (hostname: string): string =>
  hostname
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase()

/**
 * Why the host of a URL (as written, or as URL.hostname gives it) may not be called, or null if nothing speaks against it
 * so far: a name's addresses still have to be vetted. No network calls. Where allowCidrs is not empty, local names are
 * left to the vetting of their addresses.
 */
export function vetHostname(hostname: string, allowCidrs: readonly string[] = []): string | null {
  if (hostname === '') return 'the host is empty'
  if (hostname.includes('%')) return `${hostname} has a zone id or a percent sign`
  const bare = bareHostname(hostname)
  if (isIP(bare) !== 0) return vetAddress(bare, allowCidrs)
  if (/[\s/\\@?#:[\]]/.test(bare)) return `${hostname} is not a host name`
  const canonical = URL.parse(`http://${bare}/`)?.hostname
  if (canonical === undefined || canonical === '') return `${hostname} is not a host name`
  if (ENDS_IN_NUMBER.test(bare) || isIP(canonical) !== 0)
    return `${hostname} is an odd spelling of the address ${canonical}`
  if (bare.split('.').includes('')) return `${hostname} has an empty part`
  if (isLocalName(canonical) && allowCidrs.length === 0) return `${hostname} is a name of a private network`
  return null
}

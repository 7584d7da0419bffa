import { lookup, Resolver } from 'node:dns/promises'
import { isIP } from 'node:net'
import { toError } from '../kit/app-error.ts'
import { bareHostname, vetAddress, vetHostname } from './addresses.ts'
import { OutboundFailure, toFailure } from './failure.ts'
import { within } from './within.ts'

/** All addresses of a name, IPv4 first; rejects where there are none. */
export type Resolve = (hostname: string) => Promise<readonly string[]>

const CACHE_MS = 5000
const CACHE_NAMES_MAX = 10_000

/** Some name servers never answer for IPv6; where there is an IPv4 address, which is tried first, it is not missed. */
const IPV6_WAIT_MS = 300

/**
 * Asks the name servers itself, since getaddrinfo waits in the process's few shared threads, where four names with dead
 * name servers would stop every other lookup. What DNS does not know may be in this machine's hosts file. servers: those
 * to ask instead of this machine's.
 */
export function createDnsResolve(servers?: readonly string[]): Resolve {
  const resolver = new Resolver({ timeout: 1500, tries: 2 })
  if (servers !== undefined) resolver.setServers(servers)
  return async (hostname) => {
    if (hostname === 'localhost') return ['127.0.0.1']
    if (!hostname.includes('.')) return lookupHere(hostname)
    const ipv6 = resolver.resolve6(hostname).catch(() => [])
    const ipv4 = await resolver.resolve4(hostname).catch(toError)
    if (!(ipv4 instanceof Error)) return [...ipv4, ...(await within(IPV6_WAIT_MS, ipv6, () => []))]
    const found = await ipv6
    if (found.length > 0) return found
    if (hasCode(ipv4, 'ENOTFOUND', 'ENODATA', 'ECONNREFUSED')) return lookupHere(hostname)
    throw ipv4
  }
}

const hasCode = (error: Error, ...codes: string[]): boolean =>
  'code' in error && codes.includes(String(error.code))

async function lookupHere(hostname: string): Promise<string[]> {
  const found = await lookup(hostname, { all: true, order: 'ipv4first' })
  return found.map(({ address }) => address)
}

/**
 * Turns a host into addresses that may be dialled: every address of the name is vetted, and one bad one refuses the
 * name (G8). Answers are kept for a few seconds, failures too. Rejects with OutboundFailure.
 */
export function createVettedResolve(resolve: Resolve, allowCidrs: readonly string[]): Resolve {
  const cache = new Map<string, { addresses: Promise<readonly string[]>; untilMs: number }>()
  return (hostname) => {
    const nowMs = performance.now()
    const cached = cache.get(hostname)
    if (cached !== undefined && cached.untilMs > nowMs) return cached.addresses
    if (cache.size >= CACHE_NAMES_MAX) cache.clear()
    const addresses = resolveVetted(hostname, resolve, allowCidrs)
    addresses.catch(() => {})
    cache.set(hostname, { addresses, untilMs: nowMs + CACHE_MS })
    return addresses
  }
}

async function resolveVetted(hostname: string, resolve: Resolve, allowCidrs: readonly string[]) {
  const why = vetHostname(hostname, allowCidrs)
  if (why !== null) throw new OutboundFailure('address_not_public', why)
  const bare = bareHostname(hostname)
  if (isIP(bare) !== 0) return [bare]
  const addresses = await resolve(bare).catch((error: unknown) => {
    throw dnsFailure(bare, error)
  })
  if (addresses.length === 0) throw new OutboundFailure('dns_failed', `${bare} has no address`)
  for (const address of addresses) {
    const refused = vetAddress(address, allowCidrs)
    if (refused !== null) throw new OutboundFailure('address_not_public', `${bare} leads to ${refused}`)
  }
  return addresses
}

function dnsFailure(hostname: string, error: unknown): OutboundFailure {
  const known = toFailure(error)
  const detail = known?.code === 'dns_failed' ? known.message : 'the name server does not answer'
  return new OutboundFailure('dns_failed', `${hostname}: ${detail}`)
}

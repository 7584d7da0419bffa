import { lookup, Resolver } from 'node:dns/promises'
import { isIP } from 'node:net'
import { bareHostname, vetAddress, vetHostname } from './addresses.ts'
import { OutboundFailure, toFailure } from './failure.ts'

/** All addresses of a name, IPv4 first; rejects where there are none. */
export type Resolve = (hostname: string) => Promise<readonly string[]>

const CACHE_MS = 5000
const CACHE_NAMES_MAX = 10_000

/**
 * Asks the name servers itself, since getaddrinfo waits in the process's few shared threads, where four names with dead
 * name servers would stop every other lookup. What DNS does not know may be in this machine's hosts file.
 */
export function createDnsResolve(): Resolve {
  const resolver = new Resolver({ timeout: 1500, tries: 2 })
  return async (hostname) => {
    if (hostname === 'localhost') return ['127.0.0.1']
    if (!hostname.includes('.')) return lookupHere(hostname)
    const [ipv4, ipv6] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)])
    const found = [ipv4, ipv6].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
    if (found.length > 0) return found
    const reason: unknown = ipv4.status === 'rejected' ? ipv4.reason : null
    if (hasCode(reason, 'ENOTFOUND', 'ENODATA', 'ECONNREFUSED')) return lookupHere(hostname)
    throw reason
  }
}

const hasCode = (error: unknown, ...codes: string[]): boolean =>
  error instanceof Error && 'code' in error && codes.includes(String(error.code))

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

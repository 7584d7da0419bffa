import { BlockList, isIP } from 'node:net'

const lists = new WeakMap<readonly string[], BlockList>()

/** Whether an address is on an advertiser's list of addresses and CIDR ranges; an empty list lets all through. */
export function isAddressAllowed(allowlist: readonly string[], address: string): boolean {
  if (allowlist.length === 0) return true
  const plain = plainAddress(address)
  const family = isIP(plain)
  return family !== 0 && listOf(allowlist).check(plain, family === 6 ? 'ipv6' : 'ipv4')
}

function listOf(allowlist: readonly string[]): BlockList {
  const known = lists.get(allowlist)
  if (known !== undefined) return known
  const made = new BlockList()
  for (const entry of allowlist) addEntry(made, entry)
  lists.set(allowlist, made)
  return made
}

/** An entry that is no address matches nothing. */
function addEntry(list: BlockList, entry: string): void {
  const [text = '', prefix] = entry.trim().split('/')
  const address = plainAddress(text)
  const family = isIP(address)
  if (family === 0) return
  const type = family === 6 ? 'ipv6' : 'ipv4'
  if (prefix === undefined) list.addAddress(address, type)
  else if (/^\d{1,3}$/.test(prefix)) {
    const bits = Number(prefix) - (address === text ? 0 : MAPPED_BITS)
    if (bits >= 0 && bits <= (family === 6 ? 128 : 32)) list.addSubnet(address, bits, type)
  }
}

/** The length of ::ffff: in front of an IPv4 address. */
const MAPPED_BITS = 96

/** A socket that takes both families shows IPv4 callers as ::ffff:a.b.c.d. */
const plainAddress = (address: string): string =>
  address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address

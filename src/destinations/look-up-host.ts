import { lookup } from 'node:dns/promises'
import type { LookUp } from './check-host.ts'

/** All addresses of a name by this machine's resolver. */
export const lookUpHost: LookUp = async (hostname) => {
  const addresses = await lookup(hostname, { all: true })
  return addresses.map(({ address }) => address)
}

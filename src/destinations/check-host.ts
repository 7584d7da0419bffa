import { isIP } from 'node:net'
import { vetAddress } from '../outbound/addresses.ts'
import { errorFinding, type Finding, shown, warningFinding } from './findings.ts'

/** All addresses of a name; rejects where there are none. */
export type LookUp = (hostname: string) => Promise<readonly string[]>

const LOOK_UP_MS_MAX = 2000

/** Resolves the hosts of a destination on save: what does not resolve within 2 s is a warning, a private one an error. */
export async function checkHosts(
  urls: readonly string[],
  options: { allowCidrs: readonly string[]; lookUp: LookUp },
): Promise<Finding[]> {
  const hostnames = new Set(urls.map((url) => URL.parse(originOf(url))?.hostname ?? ''))
  const names = [...hostnames].filter((name) => name !== '' && isIP(name) === 0 && !name.startsWith('['))
  const findings = await Promise.all(names.map((name) => checkHost(name, options)))
  return findings.flat()
}

const originOf = (url: string): string => /^https?:\/\/[^/?#\\]*/i.exec(url.trim())?.[0] ?? ''

async function checkHost(
  hostname: string,
  { allowCidrs, lookUp }: { allowCidrs: readonly string[]; lookUp: LookUp },
): Promise<Finding[]> {
  const addresses = await withDeadline(lookUp(hostname))
  if (addresses === null || addresses.length === 0)
    return [
      warningFinding(
        'host_not_resolving',
        `The host ${shown(hostname)} is not known to DNS right now.`,
        'Check its spelling; a new domain can take some hours until it resolves.',
      ),
    ]
  const why = addresses.map((address) => vetAddress(address, allowCidrs)).find((reason) => reason !== null)
  if (why === undefined) return []
  return [
    errorFinding(
      'address_not_public',
      `The host ${shown(hostname)} can not be called: ${why}.`,
      "Use the tracker's public host name.",
    ),
  ]
}

/** Null where it fails or takes longer than 2 s. */
async function withDeadline<T>(promise: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), LOOK_UP_MS_MAX)
  })
  try {
    return await Promise.race([promise, deadline])
  } catch {
    return null
  } finally {
    clearTimeout(timer)
  }
}

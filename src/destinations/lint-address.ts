import { vetHostname } from '../outbound/addresses.ts'
import { errorFinding, type Finding, shown, warningFinding } from './findings.ts'
import type { UrlShape } from './url-shape.ts'

/** What speaks against calling this scheme and host, without asking the network. */
export function lintAddress(shape: UrlShape, allowCidrs: readonly string[]): Finding[] {
  if (shape.scheme === '')
    return [
      errorFinding(
        'scheme',
        'The URL does not start with https://.',
        'Write the full URL: https://host/path?name=value.',
      ),
    ]
  if (shape.scheme !== 'http' && shape.scheme !== 'https')
    return [
      errorFinding(
        'scheme',
        `The scheme ${shown(shape.scheme)} can not be called.`,
        'Use a URL with https:// (or http://).',
      ),
    ]
  const findings = shape.scheme === 'http' ? [plainHttp()] : []
  if (shape.macroInAuthority) return findings
  if (shape.authority.includes('@'))
    return [
      ...findings,
      errorFinding(
        'credentials_in_url',
        'The URL holds a user name or password before the host.',
        'Move it into a header: Authorization with {secret:NAME}.',
      ),
    ]
  return [...findings, ...lintHost(shape, allowCidrs)]
}

const plainHttp = (): Finding =>
  warningFinding(
    'http',
    'The URL is http, so anyone on the way can read and change the call.',
    'Use https:// if the tracker answers there; a redirect from http to https is not followed.',
  )

function lintHost(shape: UrlShape, allowCidrs: readonly string[]): Finding[] {
  const parsed = URL.parse(`${shape.scheme}://${shape.authority}`)
  if (parsed === null || parsed.hostname === '') return []
  const written = shape.authority.replace(/:\d*$/, '')
  const why = vetHostname(written, allowCidrs) ?? vetHostname(parsed.hostname, allowCidrs)
  if (why === null) return []
  return [
    errorFinding(
      'address_not_public',
      `The host can not be called: ${shown(why)}.`,
      "Use the tracker's public host name.",
    ),
  ]
}

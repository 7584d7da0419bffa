import { validateHeaderName, validateHeaderValue } from 'node:http'
import { OutboundFailure } from './failure.ts'

/** Decided by the client and the connection, never by a destination. */
const OWN_HEADERS = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** The URL of a call. Throws OutboundFailure where it can not be called at all. */
export function toUrl(text: string): URL {
  const url = URL.parse(text)
  if (url === null) throw new OutboundFailure('invalid_request', 'the URL can not be read')
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new OutboundFailure('invalid_request', `the URL starts with ${url.protocol} instead of https:`)
  if (url.username !== '' || url.password !== '')
    throw new OutboundFailure('invalid_request', 'the URL has a user name or password in it')
  return url
}

/**
 * The headers of a call, names in lower case, with the relay's own defaults. No Accept-Encoding: answers are a few bytes, and
 * unpacking costs more than it saves. Throws where a name or value can not be sent.
 */
export function toHeaders(
  given: Readonly<Record<string, string>>,
  userAgent: string,
): Record<string, string> {
  const headers: Record<string, string> = { 'user-agent': userAgent, accept: '*/*' }
  for (const [name, value] of Object.entries(given)) {
    const lower = name.toLowerCase()
    if (OWN_HEADERS.has(lower))
      throw new OutboundFailure('invalid_request', `the header ${name} is set by the relay itself`)
    validateHeaderName(name)
    validateHeaderValue(name, value)
    headers[lower] = value
  }
  return headers
}

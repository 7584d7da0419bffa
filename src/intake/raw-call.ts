import { toStorableText } from '../kit/text.ts'
import { withoutHtmlEscape } from './parameters.ts'
import { decodeFormText } from './percent-decode.ts'
import type { InboundCall } from './report.ts'

const RAW_BODY_BYTES_MAX = 64 * 1024

const MASK = '***'
/** Shorter texts occur by chance; a token of ours has more than 40 characters. */
const TOKEN_LENGTH_MIN = 16
const SECRET_HEADER = /authorization|cookie|token|secret|api-?key/

export type ArrivedCall = {
  method: string
  /** Path and query as they came. */
  url: string
  headers: Readonly<Record<string, string | string[] | undefined>>
  body: Buffer | null
  /** False where the sender sent more than `body` holds. */
  isWhole: boolean
  token: string
}

/** The call as it is kept: without the token, wherever it stands, and without other credentials. */
export function toRawCall(call: ArrivedCall): InboundCall['raw'] {
  const { token } = call
  const kept = call.body === null ? null : call.body.subarray(0, RAW_BODY_BYTES_MAX)
  return {
    method: call.method,
    url: withoutText(maskUrl(call.url), token),
    headers: maskHeaders(call.headers, token),
    body: kept === null ? null : withoutText(toStorableText(kept.toString('utf8')), token),
    truncated: !call.isWhole || (call.body?.length ?? 0) > RAW_BODY_BYTES_MAX,
  }
}

const PATH = /(\/postback\/+).*/

/** Masks the path segment after /postback/ and every `token` of the query. */
function maskUrl(url: string): string {
  const queryAt = url.indexOf('?')
  const path = queryAt === -1 ? url : url.slice(0, queryAt)
  const maskedPath = path.replace(PATH, `$1${MASK}`)
  if (queryAt === -1) return maskedPath
  return `${maskedPath}?${maskQuery(url.slice(queryAt + 1))}`
}

function maskQuery(query: string): string {
  if (!/token|%/i.test(query)) return query
  const pairs = query.split('&')
  return pairs.map((pair) => (isToken(pair) ? `token=${MASK}` : pair)).join('&')
}

const isToken = (pair: string): boolean =>
  withoutHtmlEscape(decodeFormText(pair.split('=', 1)[0] ?? '').text).toLowerCase() === 'token'

function maskHeaders(headers: ArrivedCall['headers'], token: string): Record<string, string> {
  const masked: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue
    const text = typeof value === 'string' ? value : value.join(', ')
    masked[name] = SECRET_HEADER.test(name) ? MASK : withoutText(text, token)
  }
  return masked
}

const withoutText = (text: string, secret: string): string =>
  secret.length >= TOKEN_LENGTH_MIN && text.includes(secret) ? text.replaceAll(secret, MASK) : text

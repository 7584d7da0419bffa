import { createHmac } from 'node:crypto'
import { SIGNATURE_MARK } from './template.ts'

const BASE64_PREFIX = 'whsec_'

/** Standard Webhooks: what follows whsec_ is base64; a secret without the prefix counts as it is written, as UTF-8. */
const signingKey = (secret: string): Buffer =>
  secret.startsWith(BASE64_PREFIX)
    ? Buffer.from(secret.slice(BASE64_PREFIX.length), 'base64')
    : Buffer.from(secret, 'utf8')

/**
 * The URL with its signature in place of the mark: hex HMAC-SHA256 over the URL as it would be without the query
 * parameter whose value is {signature}. `https://h/p?a=1&sig={signature}&b=2` is signed as `https://h/p?a=1&b=2`,
 * `https://h/p?sig={signature}` as `https://h/p`.
 */
export function signUrl(url: string, secret: string): string {
  const signature = createHmac('sha256', signingKey(secret)).update(withoutSignature(url)).digest('hex')
  return url.replace(SIGNATURE_MARK, signature)
}

function withoutSignature(url: string): string {
  const mark = url.indexOf(SIGNATURE_MARK)
  const start = Math.max(url.lastIndexOf('&', mark), url.lastIndexOf('?', mark))
  const before = url.slice(0, start)
  const after = url.slice(mark + SIGNATURE_MARK.length)
  return url[start] === '?' && after.startsWith('&') ? `${before}?${after.slice(1)}` : before + after
}

export type WebhookMessage = { id: string; timestamp: number; body: string }

/** The webhook-signature header of Standard Webhooks, version 1. timestamp in unix seconds. */
export function signWebhook(message: WebhookMessage, secret: string): string {
  const signature = createHmac('sha256', signingKey(secret))
    .update(`${message.id}.${message.timestamp}.${message.body}`)
    .digest('base64')
  return `v1,${signature}`
}

import type { Destination, Offer } from '../catalogue/catalogue.ts'
import type { DeliveryFacts } from '../deliveries/facts.ts'
import { encodeId } from '../kit/ids.ts'
import type { SecretBox } from '../kit/secret-box.ts'
import { type CompiledDestination, compileDestination } from './compile.ts'
import { isSecretPiece, type RenderScope } from './compile-macro.ts'
import { openPieces, renderPieces } from './compile-url.ts'
import { asReversal } from './event-time.ts'
import type { MacroScope } from './macros.ts'
import { omitEmpty } from './omit-empty.ts'
import { openSecrets, openSigningSecret } from './open-secrets.ts'
import { RenderError } from './render-error.ts'
import { signUrl, signWebhook } from './signature.ts'
import { SIGNATURE_MARK } from './template.ts'

/** One call as it goes out, or as the delivery log keeps it. Header names are lower case. */
export type RenderedRequest = {
  method: 'GET' | 'POST'
  url: string
  headers: Record<string, string>
  body: string | null
}

export type RenderInput = {
  facts: DeliveryFacts
  destination: Pick<Destination, 'definition'>
  offer: Pick<Offer, 'name' | 'shared'>
  catalogue: MacroScope['catalogue']
  secrets: SecretBox
  /** Of the relay, for the User-Agent. */
  version: string
  /** For webhook-timestamp. */
  now: Date
}

export type Rendered = {
  request: RenderedRequest
  /** The same with {secret:NAME} and {signature} in place of what they stand for. */
  recorded: RenderedRequest
}

/** Renders one delivery with its destination's current version. Throws RenderError, with a message for people. */
export function renderDelivery(input: RenderInput): Rendered {
  const compiled = compileDestination(input.destination.definition)
  const [problem] = compiled.problems
  if (problem !== undefined) throw new RenderError(`${problem.message} ${problem.fix}`)
  const facts = asReversal(compiled, input.facts)
  const scope = { facts, offer: input.offer, catalogue: input.catalogue, secrets: null }
  const recorded = renderTemplates(compiled, scope, input)
  const isSigned = input.destination.definition.signing_secret !== null
  if (!compiled.usesSecrets && !isSigned) return { request: toWire(recorded), recorded }
  const secrets = openSecrets(input.destination.definition, input.secrets)
  const open = compiled.usesSecrets ? openTemplates(compiled, recorded, { ...scope, secrets }) : recorded
  if (!isSigned) return { request: toWire(open), recorded }
  const signed = signRequest(open, input)
  return { request: toWire(signed), recorded: withSignatureMarks(recorded, signed) }
}

/** The recorded request of a signed one: a URL keeps its mark anyway, the webhook headers are added with theirs. */
export function withSignatureMarks(recorded: RenderedRequest, signed: RenderedRequest): RenderedRequest {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp } = signed.headers
  if (id === undefined || timestamp === undefined) return recorded
  return withHeaders(recorded, {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': SIGNATURE_MARK,
  })
}

/** Characters of URL and body together; a short template can name a long value any number of times. */
const REQUEST_LENGTH_MAX = 256 * 1024

function renderTemplates(
  compiled: CompiledDestination,
  scope: RenderScope,
  input: Pick<RenderInput, 'version'>,
): RenderedRequest {
  const headers: Record<string, string> = { 'user-agent': `postback-relay/${input.version}` }
  if (compiled.contentType !== null) headers['content-type'] = compiled.contentType
  for (const header of compiled.headers) headers[header.name] = renderPieces(header.pieces, scope).trim()
  const url = renderPieces(compiled.urls[scope.facts.status].pieces, scope)
  const body = renderBody(compiled, scope)
  if (url.length + (body?.length ?? 0) > REQUEST_LENGTH_MAX)
    throw new RenderError(`URL and body would have over ${REQUEST_LENGTH_MAX} characters.`)
  return { method: compiled.definition.method, url, headers, body }
}

/** The recorded request with its secrets. Only the places that hold one are rendered again. */
function openTemplates(
  compiled: CompiledDestination,
  recorded: RenderedRequest,
  scope: RenderScope,
): RenderedRequest {
  const headers = { ...recorded.headers }
  for (const { name, pieces } of compiled.headers)
    if (pieces.some(isSecretPiece)) headers[name] = renderPieces(pieces, scope).trim()
  const { body, url } = recorded
  return {
    method: recorded.method,
    url: openPieces(url, compiled.urls[scope.facts.status].pieces, scope),
    headers,
    body: body === null || compiled.body === null ? body : openPieces(body, compiled.body.pieces, scope),
  }
}

function renderBody({ body, omitEmpty: isPruned }: CompiledDestination, scope: RenderScope): string | null {
  if (body === null) return null
  const text = renderPieces(body.pieces, scope)
  return isPruned ? omitEmpty(text) : text
}

/**
 * Fills in the signature of the destination's current signing secret: of the URL of a GET with {signature}, in the
 * Standard Webhooks headers of a POST. Without a signing secret the request stays as it is.
 */
export function signRequest(request: RenderedRequest, input: RenderInput): RenderedRequest {
  const secret = openSigningSecret(input.destination.definition, input.secrets)
  if (secret === null) return request
  if (request.method === 'GET')
    return request.url.includes(SIGNATURE_MARK) ? { ...request, url: signUrl(request.url, secret) } : request
  const id = encodeId('delivery', input.facts.deliveryId)
  const timestamp = Math.floor(input.now.getTime() / 1000)
  return withHeaders(request, {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signWebhook({ id, timestamp, body: request.body ?? '' }, secret),
  })
}

const withHeaders = (request: RenderedRequest, headers: Record<string, string>): RenderedRequest => ({
  ...request,
  headers: { ...request.headers, ...headers },
})

const isAscii = (text: string): boolean => {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7e) return false
  return true
}

/** Header text goes over the wire as UTF-8, which HTTP clients take as one character per byte. */
export function toWire(request: RenderedRequest): RenderedRequest {
  if (Object.values(request.headers).every(isAscii)) return request
  const headers: Record<string, string> = {}
  for (const [name, text] of Object.entries(request.headers))
    headers[name] = isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1')
  return { ...request, headers }
}

import { bodyKind, compileBody } from './compile-body.ts'
import { compileHeaders } from './compile-headers.ts'
import type { RenderScope } from './compile-macro.ts'
import { compileUrl, renderPieces } from './compile-url.ts'
import { openSecrets } from './open-secrets.ts'
import { type RenderedRequest, type RenderInput, signRequest, toWire } from './render.ts'
import { RenderError } from './render-error.ts'
import { parseTemplate, SECRET_MARK, SIGNATURE_MARK } from './template.ts'

/**
 * A recorded request once more, for replay with render "original": its {secret:NAME} are expanded with the
 * destination's current secrets and it is signed anew. Throws RenderError.
 */
export function rerenderOriginal(recorded: RenderedRequest, input: RenderInput): RenderedRequest {
  const definition = input.destination.definition
  const scope: RenderScope = {
    facts: input.facts,
    offer: input.offer,
    catalogue: input.catalogue,
    secrets: openSecrets(definition, input.secrets),
  }
  const url = compileUrl(parseTemplate(recorded.url, 'recorded'))
  if (url.problems[0] !== undefined) throw new RenderError(url.problems[0].message)
  const request: RenderedRequest = {
    method: recorded.method,
    url: renderPieces(url.pieces, scope),
    headers: rerenderHeaders(recorded.headers, scope),
    body: recorded.body === null ? null : rerenderBody(recorded.body, recorded.headers, scope),
  }
  const signed = signRequest(request, input)
  if (isUnsigned(signed))
    throw new RenderError('The original request was signed, but the destination has no signing secret now.')
  return toWire(signed)
}

const isUnsigned = (request: RenderedRequest): boolean =>
  request.url.includes(SIGNATURE_MARK) || request.headers['webhook-signature'] === SIGNATURE_MARK

function rerenderHeaders(
  headers: Readonly<Record<string, string>>,
  scope: RenderScope,
): Record<string, string> {
  const rendered: Record<string, string> = {}
  for (const [name, text] of Object.entries(headers)) {
    const isMarked = text.includes(SECRET_MARK)
    const pieces = isMarked ? (compileHeaders({ [name]: text }, 'recorded').list[0]?.pieces ?? []) : [text]
    rendered[name.toLowerCase()] = renderPieces(pieces, scope).trim()
  }
  return rendered
}

function rerenderBody(body: string, headers: Readonly<Record<string, string>>, scope: RenderScope): string {
  if (!body.includes(SECRET_MARK)) return body
  const kind = bodyKind(headers['content-type'] ?? '')
  return renderPieces(compileBody(parseTemplate(body, 'recorded'), kind).pieces, scope)
}

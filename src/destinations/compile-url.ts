import { compileMacro, isSecretPiece, type Piece, type RenderScope } from './compile-macro.ts'
import { errorFinding, type Finding, shown } from './findings.ts'
import { RenderError } from './render-error.ts'
import {
  type MacroToken,
  type ParsedTemplate,
  PROBLEMS_MAX,
  SIGNATURE_MARK,
  type TemplatePart,
} from './template.ts'
import { shapeUrl, sourceOf, type UrlParameter, type UrlShape } from './url-shape.ts'

export type CompiledParameter = {
  /** As written in the URL, not decoded. */
  name: string
  template: string
  pieces: readonly Piece[]
  /** The macro that is the whole value, else null. */
  only: MacroToken | null
}

export type CompiledUrl = {
  pieces: readonly Piece[]
  parameters: readonly CompiledParameter[]
  /** One query parameter is {signature}. */
  signed: boolean
  problems: readonly Finding[]
}

/**
 * Compiles a URL template to pieces whose joined text is a normalised absolute URL: literals are percent-encoded where
 * RFC 3986 asks for it, a fragment is left out (it is never sent). Whatever the values are, host, path segments and
 * query parameters stay those of the template.
 */
export function compileUrl(template: ParsedTemplate): CompiledUrl {
  const problems = [...template.problems]
  const shape = shapeUrl(template.parts)
  const segments = shape.segments.map((segment) => compileSegment(segment, problems))
  const parameters = shape.parameters.map((parameter) => compileParameter(parameter, problems))
  const signed = parameters.filter((parameter) => parameter.only?.source === SIGNATURE_MARK).length
  if (signed > 1)
    problems.push(errorFinding('signature_misplaced', 'The URL has {signature} twice.', 'Keep one of them.'))
  const pieces: Piece[] = [compileOrigin(shape, problems)]
  for (const segment of segments) pieces.push('/', ...segment)
  if (segments.length === 0) pieces.push('/')
  for (const [index, parameter] of parameters.entries())
    pieces.push(index === 0 ? '?' : '&', ...parameter.rendered)
  return { pieces: joinLiterals(pieces), parameters, signed: signed > 0, problems }
}

export function joinLiterals(pieces: readonly Piece[]): Piece[] {
  const joined: Piece[] = []
  for (const piece of pieces) {
    const last = joined.at(-1)
    if (typeof piece === 'string' && typeof last === 'string') joined[joined.length - 1] = last + piece
    else if (piece !== '') joined.push(piece)
  }
  return joined
}

export function renderPieces(pieces: readonly Piece[], scope: RenderScope): string {
  let text = ''
  for (const piece of pieces) text += typeof piece === 'string' ? piece : piece(scope)
  return text
}

/**
 * What the pieces render to with secrets, given what they rendered to without: there a mark is a secret of the template
 * and never a value, as every encoder sees to. Marks come in the order of their pieces; the same one can be encoded
 * differently in two places.
 */
export function openPieces(recorded: string, pieces: readonly Piece[], scope: RenderScope): string {
  let text = ''
  let at = 0
  for (const piece of pieces) {
    if (typeof piece === 'string') continue
    if (piece.holdsSecret === true) return renderPieces(pieces, scope)
    if (piece.secretMark === undefined) continue
    const mark = recorded.indexOf(piece.secretMark, at)
    if (mark < 0) throw new Error('a secret of the template is not in the recorded request')
    text += recorded.slice(at, mark) + piece(scope)
    at = mark + piece.secretMark.length
  }
  return text + recorded.slice(at)
}

function compileOrigin(shape: UrlShape, problems: Finding[]): string {
  if (shape.macroInAuthority) {
    problems.push(
      errorFinding('macro_in_host', 'A macro stands in the host of the URL.', 'Write the host out.'),
    )
    return ''
  }
  const origin = URL.parse(`${shape.scheme}://${shape.authority}`)
  if (origin !== null && origin.host !== '') return `${origin.protocol}//${origin.host}`
  problems.push(
    errorFinding(
      'bad_url',
      `"${shown(`${shape.scheme}://${shape.authority}`)}" is no address.`,
      'Write a full URL: https://host/path?name=value.',
    ),
  )
  return ''
}

const DOT_SEGMENT = /^(?:\.|%2e){1,2}$/i

function compileSegment(parts: readonly TemplatePart[], problems: Finding[]): Piece[] {
  const pieces = compileParts(parts, 'path', problems)
  const literal = pieces.every((piece) => typeof piece === 'string') ? pieces.join('') : null
  if (literal === null) {
    const render = (scope: RenderScope): string => renderSegment(pieces, scope)
    return [Object.assign(render, { holdsSecret: pieces.some(isSecretPiece) })]
  }
  if (DOT_SEGMENT.test(literal))
    problems.push(
      errorFinding('dot_segment', 'The path holds a "." or ".." segment.', 'Write the path without it.'),
    )
  return [literal]
}

function renderSegment(pieces: readonly Piece[], scope: RenderScope): string {
  const text = renderPieces(pieces, scope)
  if (DOT_SEGMENT.test(text)) throw new RenderError('A value would turn a part of the path into "." or "..".')
  return text
}

function compileParameter(
  parameter: UrlParameter,
  problems: Finding[],
): CompiledParameter & { rendered: readonly Piece[] } {
  const name = compileParts(parameter.name, 'query', problems)
  const first = parameter.value[0]
  const only = parameter.value.length === 1 && first?.kind === 'macro' ? first : null
  const isSignature = only?.source === SIGNATURE_MARK
  const pieces = isSignature ? [SIGNATURE_MARK] : compileParts(parameter.value, 'query', problems)
  return {
    name: sourceOf(parameter.name),
    template: sourceOf(parameter.value),
    pieces,
    only,
    rendered: parameter.hasEquals ? [...name, '=', ...pieces] : name,
  }
}

function compileParts(parts: readonly TemplatePart[], place: 'path' | 'query', problems: Finding[]): Piece[] {
  const pieces: Piece[] = []
  for (const part of parts) {
    if (problems.length >= PROBLEMS_MAX) break
    const piece = part.kind === 'text' ? encodeLiteral(part.text, place) : compileMacro(part, place)
    if (typeof piece === 'object') problems.push(piece)
    else pieces.push(piece)
  }
  return pieces
}

const NOT_ALLOWED = {
  path: /%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~!$&'()*+,;=:@%]/gu,
  query: /%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~!$&()*+,;=:@%/?[\]]/gu,
} as const

/** A literal of the template with what a URL can't hold percent-encoded; what is encoded already stays. */
const encodeLiteral = (text: string, place: 'path' | 'query'): string =>
  text.toWellFormed().replace(NOT_ALLOWED[place], (char) => (char === "'" ? '%27' : encodeURIComponent(char)))

import { compileMacro, type Piece } from './compile-macro.ts'
import { joinLiterals } from './compile-url.ts'
import type { Place } from './encode.ts'
import { errorFinding, type Finding } from './findings.ts'
import { type MacroToken, type ParsedTemplate, PROBLEMS_MAX, type TemplatePart } from './template.ts'

export type BodyKind = 'json' | 'form' | 'xml' | 'text'

export const JSON_TYPE = 'application/json'
const FORM_TYPE = 'application/x-www-form-urlencoded'

/** application/json if the template starts like JSON, else form. */
export function defaultContentType(template: ParsedTemplate): string {
  const first = template.parts[0]
  return first?.kind === 'text' && /^\s*[{[]/.test(first.text) ? JSON_TYPE : FORM_TYPE
}

export function bodyKind(contentType: string): BodyKind {
  const type = (contentType.split(';')[0] ?? '').trim().toLowerCase()
  if (/[/+-]json5?$/.test(type)) return 'json'
  if (type === FORM_TYPE) return 'form'
  return type.endsWith('/xml') || type.endsWith('+xml') ? 'xml' : 'text'
}

export type BodyField = { name: string; template: string; only: MacroToken }

export type CompiledBody = {
  pieces: readonly Piece[]
  /** Values that are one macro and nothing else: `"click_id":"{cid}"` or `click_id={cid}`. */
  fields: readonly BodyField[]
  problems: readonly Finding[]
}

/** Compiles a body template; values are escaped for the place they stand in. */
export function compileBody(template: ParsedTemplate, kind: BodyKind): CompiledBody {
  const problems = [...template.problems]
  const placeOf = kind === 'json' ? jsonPlaces() : () => kind
  const pieces: Piece[] = []
  for (const part of template.parts) {
    if (problems.length >= PROBLEMS_MAX) break
    const piece = part.kind === 'text' ? part.text : compileMacro(part, placeOf(part))
    if (part.kind === 'text') placeOf(part)
    if (typeof piece === 'object') problems.push(piece)
    else pieces.push(piece)
  }
  if (kind === 'json' && !isJsonWhateverTheValues(template.parts))
    problems.push(
      errorFinding(
        'body_not_json',
        'The body is not JSON once its macros have values.',
        'Check quotes and commas; put each macro inside quotes or alone as a value.',
      ),
    )
  return { pieces: joinLiterals(pieces), fields: findFields(template.parts, kind), problems }
}

/** Walks JSON text part by part and says where the macro that follows stands. */
function jsonPlaces(): (part: TemplatePart) => Place {
  let inString = false
  let escaped = false
  return (part) => {
    if (part.kind === 'text')
      for (const char of part.text) {
        if (escaped) escaped = false
        else if (char === '\\') escaped = inString
        else if (char === '"') inString = !inString
      }
    return inString ? 'json_string' : 'json_bare'
  }
}

/** Samples for a macro inside quotes and for a bare one: an empty text exposes a cut escape, a number a bare key. */
const JSON_SAMPLES = [
  { inString: '', bare: '""' },
  { inString: 'x', bare: '1' },
] as const

function isJsonWhateverTheValues(parts: readonly TemplatePart[]): boolean {
  return JSON_SAMPLES.every((sample) => {
    const placeOf = jsonPlaces()
    const text = parts.map((part) => {
      const place = placeOf(part)
      if (part.kind === 'text') return part.text
      return place === 'json_string' ? sample.inString : sample.bare
    })
    return isJson(text.join(''))
  })
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const NAME_BEFORE: Readonly<Record<BodyKind, RegExp | null>> = {
  json: /"([^"\\]{1,128})"\s*:\s*"?$/,
  form: /(?:^|&)([^&=]{1,128})=$/,
  xml: null,
  text: null,
}
const VALUE_ENDS: Readonly<Record<BodyKind, RegExp | null>> = {
  json: /^["\s,\]}]/,
  form: /^&/,
  xml: null,
  text: null,
}
const LOOK_BACK = 300

function findFields(parts: readonly TemplatePart[], kind: BodyKind): BodyField[] {
  const fields: BodyField[] = []
  for (const [index, part] of parts.entries()) {
    if (part.kind !== 'macro') continue
    const before = parts[index - 1]
    const after = parts[index + 1]
    const name = before?.kind === 'text' ? NAME_BEFORE[kind]?.exec(before.text.slice(-LOOK_BACK)) : null
    const ends = after === undefined || (after.kind === 'text' && VALUE_ENDS[kind]?.test(after.text))
    if (name?.[1] !== undefined && ends) fields.push({ name: name[1], template: part.source, only: part })
  }
  return fields
}

import { compileMacro, type Piece } from './compile-macro.ts'
import { joinLiterals } from './compile-url.ts'
import { encodeHeader } from './encode.ts'
import { errorFinding, type Finding, shown } from './findings.ts'
import { type ParseMode, parseTemplate, type TemplatePart } from './template.ts'

export type CompiledHeader = { name: string; pieces: readonly Piece[] }

export type CompiledHeaders = {
  list: readonly CompiledHeader[]
  parts: readonly TemplatePart[]
  problems: readonly Finding[]
}

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100}$/
const OURS = new Set([
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
  'webhook-id',
  'webhook-signature',
  'webhook-timestamp',
])

/** Compiles header templates; names come out in lower case. */
export function compileHeaders(
  headers: Readonly<Record<string, string>>,
  mode: ParseMode = 'lenient',
): CompiledHeaders {
  const list: CompiledHeader[] = []
  const parts: TemplatePart[] = []
  const problems: Finding[] = []
  for (const [name, text] of Object.entries(headers)) {
    const template = parseTemplate(text, mode)
    parts.push(...template.parts)
    problems.push(...nameProblems(name, list))
    list.push({ name: name.toLowerCase(), pieces: compileValue(template.parts, problems) })
  }
  return { list, parts, problems }
}

function nameProblems(name: string, earlier: readonly CompiledHeader[]): Finding[] {
  const lower = name.toLowerCase()
  if (!NAME.test(name))
    return [
      errorFinding(
        'header_name',
        `"${shown(name)}" is no header name.`,
        'Use letters, digits and hyphens only.',
      ),
    ]
  if (OURS.has(lower))
    return [
      errorFinding('header_name', `The header ${lower} is set by the relay itself.`, 'Remove this header.'),
    ]
  if (earlier.some((header) => header.name === lower))
    return [errorFinding('header_name', `The header ${lower} is there twice.`, 'Keep one of them.')]
  return []
}

function compileValue(parts: readonly TemplatePart[], problems: Finding[]): Piece[] {
  const pieces: Piece[] = []
  for (const part of parts) {
    const piece = part.kind === 'text' ? literal(part.text) : compileMacro(part, 'header')
    if (typeof piece === 'object') problems.push(piece)
    else pieces.push(piece)
  }
  return joinLiterals(pieces)
}

function literal(text: string): string | Finding {
  try {
    return encodeHeader(text)
  } catch {
    return errorFinding(
      'header_value',
      `The header value "${shown(text)}" holds a line break or another control character.`,
      'Write the value on one line.',
    )
  }
}

import type { FilterToken } from './filters.ts'
import { errorFinding, type Finding, shown } from './findings.ts'

export type MacroToken = {
  kind: 'macro'
  /** As written, braces included. */
  source: string
  name: string
  /** The NAME of {param:NAME}; null where there is none. */
  arg: string | null
  filters: readonly FilterToken[]
}

export type TemplatePart = MacroToken | { kind: 'text'; text: string }

/** Stands in the rendered URL until the signature is known; no rendered value can hold a brace. */
export const SIGNATURE_MARK = '{signature}'
/** How {secret:NAME} begins, which recorded requests keep in place of the secret. */
export const SECRET_MARK = '{secret:'

/**
 * strict: every brace belongs to a macro (URLs). lenient: a brace that no macro name follows is text (JSON, headers).
 * recorded: only {secret:NAME} and {signature} are macros (requests of the delivery log).
 */
export type ParseMode = 'strict' | 'lenient' | 'recorded'

export type ParsedTemplate = { parts: readonly TemplatePart[]; problems: readonly Finding[] }

const MACRO_TEXT = /^[A-Za-z_][A-Za-z0-9_]*(?:[:|]|$)/

/** Splits a template into text and macros. Never throws; what can't be read is in `problems` and stays text. */
export function parseTemplate(text: string, mode: ParseMode): ParsedTemplate {
  const parts: TemplatePart[] = []
  const problems: Finding[] = []
  let pending = ''
  let at = 0
  while (at < text.length) {
    const open = nextBrace(text, at, mode)
    pending += text.slice(at, open)
    if (open === text.length) break
    const token = readMacro(text, open, mode)
    if (token === null) {
      if (mode === 'strict' && problems.length < PROBLEMS_MAX) problems.push(malformed(text, open))
      pending += text.charAt(open)
      at = open + 1
      continue
    }
    if (pending !== '') parts.push({ kind: 'text', text: pending })
    pending = ''
    parts.push(token)
    at = open + token.source.length
  }
  if (pending !== '') parts.push({ kind: 'text', text: pending })
  return { parts, problems }
}

/** More findings help nobody, and making them costs time. */
export const PROBLEMS_MAX = 20
const MACRO_LENGTH_MAX = 1000

function nextBrace(text: string, from: number, mode: ParseMode): number {
  const open = text.indexOf('{', from)
  const close = mode === 'strict' ? text.indexOf('}', from) : -1
  const first = open < 0 || (close >= 0 && close < open) ? close : open
  return first < 0 ? text.length : first
}

function readMacro(text: string, open: number, mode: ParseMode): MacroToken | null {
  if (text[open] !== '{') return null
  const window = text.slice(open, open + MACRO_LENGTH_MAX)
  const close = window.indexOf('}')
  if (close < 0) return null
  const source = window.slice(0, close + 1)
  const inner = source.slice(1, -1)
  if (inner.includes('{') || !MACRO_TEXT.test(inner)) return null
  const [head = '', ...filters] = inner.split('|')
  const colon = head.indexOf(':')
  const token: MacroToken = {
    kind: 'macro',
    source,
    name: colon < 0 ? head : head.slice(0, colon),
    arg: colon < 0 ? null : head.slice(colon + 1),
    filters: filters.map(readFilter),
  }
  return mode === 'recorded' && !isRecordedMacro(token) ? null : token
}

const isRecordedMacro = (token: MacroToken): boolean =>
  (token.name === 'secret' && token.arg !== null) || token.source === SIGNATURE_MARK

function readFilter(text: string): FilterToken {
  const colon = text.indexOf(':')
  return colon < 0 ? { name: text, arg: null } : { name: text.slice(0, colon), arg: text.slice(colon + 1) }
}

const malformed = (text: string, at: number): Finding =>
  errorFinding(
    'malformed_macro',
    `A brace at "${shown(text.slice(at, at + 40))}" belongs to no macro.`,
    'Write macros like {affiliate_click_id} or {status|map:approved=1}; write %7B or %7D for a brace that is meant as such.',
  )

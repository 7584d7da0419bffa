import { FOREIGN_MACROS, type MacroStyle } from '../../config/foreign-macros.ts'
import { ownValue } from '../kit/own-value.ts'
import { type Finding, infoFinding, shown } from './findings.ts'
import { CLICK_ID_ALIASES, MACRO_NAMES, NAMED_MACROS } from './macros.ts'
import { PROBLEMS_MAX } from './template.ts'

export type Translation = { text: string; findings: readonly Finding[] }

export type TranslateOptions = {
  /** URLs know which parameter a macro stands in; other texts do not. */
  isUrl: boolean
  /** Whether this is the tracker's click-id parameter, where a foreign sub means the affiliate's click id. */
  isClickIdParameter(name: string): boolean
}

const NAME = '[A-Za-z_][A-Za-z0-9_]{0,40}'
const TOKENS = new RegExp(
  [
    `\\{\\{ {0,3}(?<doubled>${NAME}) {0,3}\\}\\}`,
    `\\$\\{ {0,3}(?<dollar>${NAME}) {0,3}\\}`,
    `\\[= {0,3}(?<linktrust>${NAME}) {0,3}=\\]`,
    `%%(?<percents>${NAME})%%`,
    `#(?<hash>${NAME})#`,
    `\\[(?<square>${NAME})\\]`,
    `%(?<percent>${NAME})%`,
    '\\{ {0,3}(?<brace>[A-Za-z_][^{}"]{0,200})\\}',
  ].join('|'),
  'g',
)

/**
 * Writes the macros of other platforms as ours: `#s2#`, `[=ClickID=]`, `{{x}}`, `${x}`, `[x]`, `%x%`, `%%x%%`,
 * `{status:lead=0 sale=1}`, `{_raw}`. What is unknown becomes `{x}` where the style leaves no doubt that a macro is meant,
 * so that compiling refuses it; else it stays.
 */
export function translateMacros(text: string, options: TranslateOptions): Translation {
  const findings = new Map<string, Finding>()
  let parameter: string | null = null
  let out = ''
  let at = 0
  let follows: string | null = null
  for (const match of text.matchAll(TOKENS)) {
    const gap = text.slice(at, match.index)
    if (options.isUrl) parameter = parameterAfter(gap, parameter)
    const isClickId = parameter !== null && options.isClickIdParameter(parameter)
    at = match.index + match[0].length
    const isWholeValue = gap.endsWith('=') && /^[&#]?$/.test(text.charAt(at))
    const ours = translateToken(match, { isWholeValue, isUrl: options.isUrl, isClickId })
    if (ours !== null && ours !== match[0] && findings.size < PROBLEMS_MAX)
      findings.set(match[0], translated(match[0], ours))
    const isRepeat = isClickId && ours === CLICK_ID && gap === '' && follows === CLICK_ID
    out += gap + (isRepeat ? '' : (ours ?? match[0]))
    follows = ours
  }
  return { text: out + text.slice(at), findings: [...findings.values()] }
}

const CLICK_ID = '{affiliate_click_id}'

const translated = (from: string, to: string): Finding =>
  infoFinding('translated', `${shown(from)} was written as ${shown(to)}.`, 'Nothing to do if that is meant.')

/** The query parameter whose value a text ends in, if it is not the one before. */
function parameterAfter(gap: string, before: string | null): string | null {
  const start = Math.max(gap.lastIndexOf('?'), gap.lastIndexOf('&'))
  if (start < 0) return before
  const equals = gap.indexOf('=', start)
  return equals < 0 ? null : gap.slice(start + 1, equals).trim()
}

type Position = { isWholeValue: boolean; isUrl: boolean; isClickId: boolean }

function translateToken(match: RegExpMatchArray, position: Position): string | null {
  const { doubled, dollar, linktrust, percents, hash, square, percent, brace } = match.groups ?? {}
  if (brace !== undefined) return translateBrace(brace, position)
  if (hash !== undefined) return lookUp(hash, 'hash', position) ?? (position.isUrl ? `{${hash}}` : null)
  if (linktrust !== undefined) return lookUp(linktrust, 'linktrust', position) ?? `{${linktrust}}`
  const certain = doubled ?? dollar ?? percents
  if (certain !== undefined) return lookUp(certain, 'other', position) ?? `{${certain}}`
  if (!position.isUrl || !position.isWholeValue) return null
  if (square !== undefined) return lookUp(square, 'other', position) ?? `{${square}}`
  if (percent === undefined) return null
  const isEncoding = /^[0-9A-Fa-f]{2}/.test(percent)
  return lookUp(percent, 'other', position) ?? (isEncoding ? null : `{${percent}}`)
}

const KNOWN = new Set<string>([...MACRO_NAMES, ...NAMED_MACROS])

function translateBrace(inner: string, position: Position): string | null {
  const [head = '', ...filters] = inner.split('|')
  const [name = '', ...args] = head.split(':')
  if (KNOWN.has(name) && (args.length === 0 || NAMED_MACROS.some((named) => named === name))) return null
  const trimmed = name.trim()
  const isRaw = trimmed.startsWith('_') && trimmed.length > 1
  const ours = lookUp(isRaw ? trimmed.slice(1) : trimmed, 'other', position)
  if (ours === null) return null
  const added = [...toFilters(ours, trimmed, args.join(':')), ...(isRaw ? ['raw'] : []), ...filters]
  return added.length === 0 ? ours : `${ours.slice(0, -1)}|${added.join('|')}}`
}

const KEITARO_STATUSES: Readonly<Record<string, string>> = {
  lead: 'pending',
  sale: 'approved',
  rejected: 'rejected',
}
const KEITARO_DATE: Readonly<Record<string, string>> = {
  Y: 'YYYY',
  m: 'MM',
  d: 'DD',
  H: 'HH',
  i: 'mm',
  s: 'ss',
}

/** Keitaro puts a value map or a date format behind the colon: {status:lead=0 sale=1}, {date:Y-m-d,UTC}. */
function toFilters(ours: string, name: string, arg: string): string[] {
  if (arg === '') return []
  if (/^[^\s=]+=\S*(?:\s+[^\s=]+=\S*)*$/.test(arg)) {
    const pairs = arg.split(/\s+/).map((pair) => {
      const [key = '', ...value] = pair.split('=')
      return `${ours === '{status}' ? (KEITARO_STATUSES[key] ?? key) : key}=${value.join('=')}`
    })
    return [`map:${pairs.join(',')}`]
  }
  if (!name.includes('date') && !name.includes('time')) return [arg]
  const [format = '', ...zone] = arg.split(',')
  const tokens = /YY|DD/.test(format)
    ? format
    : format.replace(/[YmdHis]/g, (letter) => KEITARO_DATE[letter] ?? '')
  return [`date:${[tokens, ...zone].join(',')}`]
}

function lookUp(name: string, style: MacroStyle, position: Position): string | null {
  const table = FOREIGN_MACROS[style]
  const lower = name.toLowerCase()
  const foreign = ownValue(table, name) ?? ownValue(table, lower)
  if (foreign !== null) return position.isClickId && carriesClickId(foreign) ? CLICK_ID : foreign
  if (style === 'hash' || !MACRO_NAMES.includes(lower)) return null
  return CLICK_ID_ALIASES.includes(lower) ? CLICK_ID : `{${lower}}`
}

const carriesClickId = (ours: string): boolean => /^\{(?:sub\d+|network_click_id)\}$/.test(ours)

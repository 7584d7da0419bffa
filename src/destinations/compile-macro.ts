import { closestWord } from './closest-word.ts'
import { type Encoder, encoders, type Place, rawEncoders } from './encode.ts'
import { FILTER_NAMES, type Filter, type FilterToken, makeFilter } from './filters.ts'
import { errorFinding, type Finding, shown } from './findings.ts'
import { findMacro, MACRO_NAMES, type Macro, type MacroScope, NAMED_MACROS } from './macros.ts'
import { RenderError } from './render-error.ts'
import type { MacroToken } from './template.ts'

export type RenderScope = MacroScope & {
  /** Null: secrets stay as written, for the recorded request. */
  secrets: ReadonlyMap<string, string> | null
}

type Render = (scope: RenderScope) => string

/** A literal, or what renders one macro in its place. */
export type Piece =
  | string
  | (Render & {
      /** Of a secret: the macro as written, which is what it renders to in the recorded request. */
      secretMark?: string
      /** Renders secrets among other things, so the mark alone can not be replaced. */
      holdsSecret?: boolean
    })

export const isSecretPiece = (piece: Piece): boolean =>
  typeof piece === 'function' && (piece.secretMark !== undefined || piece.holdsSecret === true)

/** What a macro renders to in that place, or why it can't stand there. */
export function compileMacro(token: MacroToken, place: Place): Piece | Finding {
  if (token.name === 'signature') return signatureMisplaced(token)
  const filters = compileFilters(token, place)
  if ('problem' in filters) return filters.problem
  const encode = (filters.raw ? rawEncoders[place] : undefined) ?? encoders[place]
  if (token.name === 'secret') return compileSecret(token, filters, encode)
  const macro = findMacro(token.name, token.arg === '' ? null : token.arg)
  if (macro === null || token.arg === '') return unknownMacro(token)
  const read = compileRead(macro, filters)
  return read === null ? dateMisplaced(token) : compileEncoded(read, filters.values, encode)
}

type CompiledFilters = {
  values: readonly ((value: string) => string)[]
  time: ((date: Date) => string) | null
  raw: boolean
}

function compileFilters(token: MacroToken, place: Place): CompiledFilters | { problem: Finding } {
  const values: ((value: string) => string)[] = []
  let time: CompiledFilters['time'] = null
  let raw = false
  for (const [index, filterToken] of token.filters.entries()) {
    const filter = readFilter(token, filterToken, place)
    if ('severity' in filter) return { problem: filter }
    if (filter.kind === 'raw') raw = true
    else if (filter.kind === 'value') values.push(filter.apply)
    else if (index === 0) time = filter.format
    else return { problem: dateMisplaced(token) }
  }
  return { values, time, raw }
}

function readFilter(token: MacroToken, filterToken: FilterToken, place: Place): Filter | Finding {
  const made = makeFilter(filterToken)
  if (made === 'unknown') return unknownFilter(token, filterToken)
  if ('problem' in made)
    return errorFinding(
      'filter_argument',
      `In ${shown(token.source)} the filter ${filterToken.name} ${made.problem}.`,
      'Correct what follows the colon.',
    )
  if (made.filter.kind === 'raw' && rawEncoders[place] === undefined)
    return errorFinding(
      'raw_outside_url',
      `${shown(token.source)}: the filter raw works in URLs only.`,
      'Remove |raw here.',
    )
  return made.filter
}

function compileRead(macro: Macro, filters: CompiledFilters): ((scope: RenderScope) => string) | null {
  const format = filters.time
  if (format === null) return macro.read
  const time = macro.time
  if (time === undefined) return null
  return (scope) => {
    const date = time(scope.facts)
    return date === null ? '' : format(date)
  }
}

function compileEncoded(
  read: (scope: RenderScope) => string,
  values: CompiledFilters['values'],
  encode: Encoder,
): Piece {
  if (values.length === 0) return (scope) => encode(read(scope))
  return (scope) => encode(applyAll(values, read(scope)))
}

function applyAll(filters: CompiledFilters['values'], value: string): string {
  let text = value
  for (const filter of filters) text = filter(text)
  return text
}

function compileSecret(token: MacroToken, filters: CompiledFilters, encode: Encoder): Piece | Finding {
  const name = token.arg
  if (name === null || name === '') return unknownMacro(token)
  if (filters.time !== null) return dateMisplaced(token)
  const render: Render = (scope) => {
    if (scope.secrets === null) return token.source
    const secret = scope.secrets.get(name)
    if (secret === undefined) throw new RenderError(`The destination has no secret named ${shown(name)}.`)
    return encode(applyAll(filters.values, secret))
  }
  return Object.assign(render, { secretMark: token.source })
}

function unknownMacro(token: MacroToken): Finding {
  const named = NAMED_MACROS.find((name) => name === token.name)
  if (named !== undefined)
    return errorFinding(
      'unknown_macro',
      `${shown(token.source)} does not say which one.`,
      `Write {${named}:NAME}.`,
    )
  const close = closestWord(token.name.toLowerCase(), MACRO_NAMES)
  return errorFinding(
    'unknown_macro',
    `There is no macro ${shown(token.source)}.`,
    close === null ? 'Use a macro of the documented list.' : `Did you mean {${close}}?`,
  )
}

function unknownFilter(token: MacroToken, filter: FilterToken): Finding {
  const close = closestWord(filter.name.toLowerCase(), FILTER_NAMES)
  return errorFinding(
    'unknown_filter',
    `${shown(token.source)} has a filter "${shown(filter.name)}" that does not exist.`,
    close === null ? `Filters are ${FILTER_NAMES.join(', ')}.` : `Did you mean |${close}?`,
  )
}

const dateMisplaced = (token: MacroToken): Finding =>
  errorFinding(
    'filter_argument',
    `${shown(token.source)}: the filter date comes first, after a macro of time.`,
    'Use it as {timestamp|date:YYYY-MM-DD,Europe/Berlin}.',
  )

const signatureMisplaced = (token: MacroToken): Finding =>
  errorFinding(
    'signature_misplaced',
    `${shown(token.source)} can only be the whole value of one query parameter of a GET.`,
    'Write it as &sig={signature}; a POST is signed in its headers.',
  )

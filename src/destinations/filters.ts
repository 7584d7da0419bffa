import { hash } from 'node:crypto'
import { toFixedDigits } from '../kit/money.ts'
import { hashUserData, isUserDataKind } from './ad-platforms/user-data.ts'
import { compileDateFormat, isTimeZone } from './date-format.ts'

/** A filter as it stands in a template: `{status|map:approved=1}` has `map` with the argument `approved=1`. */
export type FilterToken = { name: string; arg: string | null }

/** What a filter does: changes a value, formats the macro's time, or leaves the encoding to the value. */
export type Filter =
  | { kind: 'value'; apply(value: string): string }
  | { kind: 'time'; format(date: Date): string }
  | { kind: 'raw' }

type FilterMaker = (arg: string | null) => Filter | string

const PLAIN_NUMBER = /^-?\d{1,15}(?:\.\d{1,12})?$/

const value = (apply: (value: string) => string): Filter => ({ kind: 'value', apply })

const withoutArgument =
  (filter: Filter): FilterMaker =>
  (arg) =>
    arg === null ? filter : 'takes no argument'

const makeMap: FilterMaker = (arg) => {
  const entries = new Map<string, string>()
  for (const entry of (arg ?? '').split(',')) {
    const at = entry.indexOf('=')
    if (at < 1) return 'needs pairs like map:approved=1,pending=2,*=3'
    entries.set(entry.slice(0, at).trim(), entry.slice(at + 1))
  }
  const other = entries.get('*')
  return value((text) => entries.get(text) ?? other ?? text)
}

const makeFixed: FilterMaker = (arg) => {
  if (arg === null || !/^\d{1,2}$/.test(arg) || Number(arg) > 12) return 'needs a number of digits, 0 to 12'
  const digits = Number(arg)
  return value((text) => (PLAIN_NUMBER.test(text) ? toFixedDigits(text, digits) : text))
}

const makeDate: FilterMaker = (arg) => {
  const text = arg ?? ''
  const comma = text.lastIndexOf(',')
  const zone = comma < 0 ? 'UTC' : text.slice(comma + 1).trim()
  if (!isTimeZone(zone)) return `has an unknown time zone "${zone}"; write one like Europe/Berlin`
  const format = compileDateFormat(comma < 0 ? text : text.slice(0, comma), zone)
  return format === null ? 'needs a format like date:YYYY-MM-DD,Europe/Berlin' : { kind: 'time', format }
}

const makeHash: FilterMaker = (arg) =>
  isUserDataKind(arg) ? value((text) => hashUserData(arg, text)) : 'needs email, phone or e164'

const sha256 = (text: string): string => (text === '' ? '' : hash('sha256', text, 'hex'))

const FILTERS: Readonly<Record<string, FilterMaker>> = {
  map: makeMap,
  raw: withoutArgument({ kind: 'raw' }),
  fixed: makeFixed,
  lower: withoutArgument(value((text) => text.toLowerCase())),
  upper: withoutArgument(value((text) => text.toUpperCase())),
  default: (arg) =>
    arg === null ? 'needs a value, like default:0' : value((text) => (text === '' ? arg : text)),
  sha256: withoutArgument(value(sha256)),
  hash: makeHash,
  date: makeDate,
}

export const FILTER_NAMES: readonly string[] = Object.keys(FILTERS)

/** The filter, `unknown`, or what is wrong with its argument (completes "The filter x "). */
export function makeFilter(token: FilterToken): { filter: Filter } | { problem: string } | 'unknown' {
  if (!Object.hasOwn(FILTERS, token.name)) return 'unknown'
  const made = FILTERS[token.name]?.(token.arg) ?? 'unknown'
  return typeof made === 'string' ? { problem: made } : { filter: made }
}

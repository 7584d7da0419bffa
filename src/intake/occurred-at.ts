import { zonedToUtcMs } from './zoned-time.ts'

const MIN_MS = Date.UTC(2000, 0, 1)
const MAX_MS = Date.UTC(2101, 0, 1)
const AHEAD_MAX_MS = 24 * 3_600_000

const UNIX_SECONDS = /^\d{9,10}(?:\.\d{1,9})?$/
const UNIX_MS = /^\d{12,13}$/
const DATE_TIME =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?:([Zz])|[ ]?([+-]| )(\d\d):?(\d\d))?$/

/** `stated` is the time as it was sent, `at` as it counts. */
export type OccurredAt = { at: Date; stated: Date; isClamped: boolean }

/**
 * When the conversion happened: RFC 3339, unix seconds or ms; a date and time without zone is in `timeZone` (IANA).
 * Up to 24 h ahead of now is taken as now (`isClamped`). Null: unreadable, before 2000, after 2100 or further ahead.
 */
export function readOccurredAt(text: string, rules: { timeZone: string; nowMs: number }): OccurredAt | null {
  const ms = readMs(text, rules.timeZone)
  if (ms === null || ms < MIN_MS || ms >= MAX_MS || ms > rules.nowMs + AHEAD_MAX_MS) return null
  const isClamped = ms > rules.nowMs
  return { at: new Date(isClamped ? rules.nowMs : ms), stated: new Date(ms), isClamped }
}

function readMs(text: string, timeZone: string): number | null {
  if (UNIX_SECONDS.test(text)) return Math.round(Number(text) * 1000)
  if (UNIX_MS.test(text)) return Number(text)
  return readDateTime(text, timeZone)
}

function readDateTime(text: string, timeZone: string): number | null {
  const match = DATE_TIME.exec(text)
  if (match === null) return null
  const part = (at: number): number => Number(match[at] ?? 0)
  const milliseconds = Math.floor(Number(`0.${match[7] ?? 0}`) * 1000)
  const wallMs = Date.UTC(part(1), part(2) - 1, part(3), part(4), part(5), part(6)) + milliseconds
  if (!isRealTime({ wallMs, month: part(2), day: part(3), hour: part(4), minute: part(5), second: part(6) }))
    return null
  if (match[8] !== undefined) return wallMs
  if (match[9] === undefined) return zonedToUtcMs(wallMs, timeZone)
  // The + of an offset is a space after form decoding.
  const sign = match[9] === '-' ? -1 : 1
  if (part(10) > 23 || part(11) > 59) return null
  return wallMs - sign * (part(10) * 60 + part(11)) * 60_000
}

type WallTime = { wallMs: number; month: number; day: number; hour: number; minute: number; second: number }

/** Date.UTC takes 30 February as 1 March. A leap second (60) is read as the first second of the next minute. */
function isRealTime({ wallMs, month, day, hour, minute, second }: WallTime): boolean {
  if (hour > 23 || minute > 59 || second > 60 || month < 1 || month > 12 || day < 1) return false
  const date = new Date(second === 60 ? wallMs - 1000 : wallMs)
  return date.getUTCDate() === day
}

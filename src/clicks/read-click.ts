import { isIP } from 'node:net'
import { assertStorable } from '../http/text-check.ts'
import { createCheck } from '../http/validation-error.ts'
import { readOccurredAt } from '../intake/occurred-at.ts'
import { AppError } from '../kit/app-error.ts'
import type { ClickRequest } from './click.ts'
import { NewClick, PARAM_NAME_MAX } from './schema.ts'
import { SUB_NAMES, trimSubs } from './subs.ts'

const check = createCheck(NewClick)

/** One click of a body. Throws AppError naming the field. */
export function readClick(value: unknown, nowMs: number): ClickRequest {
  const click = check(value)
  assertStorable(click, '')
  return {
    clickId: readClickId(click.click_id),
    affiliateId: click.affiliate_id,
    offerId: click.offer_id,
    affiliateClickId: click.affiliate_click_id?.trim() || null,
    subs: readSubs(click),
    params: readParams(click.params ?? {}),
    ip: readIp(click.ip),
    userAgent: click.user_agent || null,
    country: readCountry(click.country),
    clickedAt: readClickedAt(click.clicked_at, nowMs),
  }
}

/** Without the spaces around it, as reports name it. */
function readClickId(text: string): string {
  const clickId = text.trim()
  if (clickId !== '') return clickId
  throw new AppError('invalid_field', { field: 'click_id', fix: 'Send a text that is not empty.' })
}

const readSubs = (click: NewClick): (string | null)[] =>
  trimSubs(SUB_NAMES.map((name) => click[name]?.trim() || null))

function readParams(params: Record<string, string>): Record<string, string> {
  const long = Object.keys(params).find((name) => name.length > PARAM_NAME_MAX)
  if (long === undefined) return params
  throw new AppError('field_too_long', {
    field: `params.${long.slice(0, PARAM_NAME_MAX)}`,
    fix: `Names of parameters have at most ${PARAM_NAME_MAX} characters.`,
  })
}

function readIp(ip: string | null | undefined): string | null {
  if (!ip) return null
  if (isIP(ip) !== 0) return ip
  throw new AppError('invalid_field', { field: 'ip', fix: "Send the visitor's IP address, or leave ip out." })
}

function readCountry(country: string | null | undefined): string | null {
  if (!country) return null
  if (/^[A-Za-z]{2}$/.test(country)) return country.toUpperCase()
  throw new AppError('invalid_field', { field: 'country', fix: 'Send two letters (ISO 3166), e.g. DE.' })
}

function readClickedAt(text: string | number | null | undefined, nowMs: number): Date | null {
  if (text == null || text === '') return null
  const time = readOccurredAt(String(text), { timeZone: 'UTC', nowMs })
  if (time !== null) return time.at
  throw new AppError('invalid_time', { field: 'clicked_at' })
}

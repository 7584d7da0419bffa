import { createParameterSink, type Parameter, readPairs } from '../intake/parameters.ts'
import { AppError } from '../kit/app-error.ts'
import type { ClickRequest } from './click.ts'
import { CLICK_ID_MAX, PARAM_MAX, PARAM_NAME_MAX, SUB_MAX } from './schema.ts'
import { SUB_NAMES, trimSubs } from './subs.ts'

/** Under these names a link carries the affiliate's own click id; the first that has a value counts. */
const CLICK_ID_NAMES = ['click_id', 'clickid', 'cid', 'aff_click_id']
const REFERENCE_MAX = 64
const USER_AGENT_MAX = 1024

type Visitor = { ip: string; userAgent: string | undefined }

/** The click of an affiliate's link. Throws AppError for what can not be a link of ours, naming the parameter. */
export function readLink(query: string, visitor: Visitor): ClickRequest {
  const sink = createParameterSink()
  readPairs(query, sink)
  const take = createTaker(sink.byName)
  const offerId = required('offer_id', take('offer_id', REFERENCE_MAX))
  const affiliateId = required('affiliate_id', take('affiliate_id', REFERENCE_MAX))
  const clickIds = CLICK_ID_NAMES.map((name) => take(name, CLICK_ID_MAX))
  const subs = SUB_NAMES.map((name) => take(name, SUB_MAX))
  return {
    clickId: null,
    affiliateId,
    offerId,
    affiliateClickId: clickIds.find((id) => id !== null) ?? null,
    subs: trimSubs(subs),
    params: readRest(sink.byName),
    ip: visitor.ip,
    userAgent: visitor.userAgent?.slice(0, USER_AGENT_MAX).toWellFormed() ?? null,
    country: null,
    clickedAt: null,
  }
}

/**
 * Takes one parameter out of the map, whatever its letter case and without the spaces around it, as reports are read; an
 * empty one is absent, of several the last counts.
 */
function createTaker(byName: Map<string, Parameter>): (field: string, max: number) => string | null {
  const spellings = Map.groupBy(byName.keys(), (name) => name.toLowerCase())
  return (field, max) => {
    const names = spellings.get(field) ?? []
    const parameter = names.map((name) => byName.get(name)).findLast((found) => found?.value.trim() !== '')
    for (const name of names) byName.delete(name)
    if (parameter === undefined) return null
    if (parameter.broken) throw new AppError('invalid_encoding', { field })
    const value = parameter.value.trim()
    if (value.length > max) throw tooLong(field, max)
    return value
  }
}

function required(field: string, value: string | null): string {
  if (value !== null) return value
  throw new AppError('missing_field', {
    field,
    message: `The link has no ${field}.`,
    fix: "Copy the link from the network again; it carries the offer's and the affiliate's id.",
  })
}

function readRest(byName: ReadonlyMap<string, Parameter>): Record<string, string> {
  for (const [name, { value }] of byName) {
    if (name.length > PARAM_NAME_MAX) throw tooLong(name.slice(0, PARAM_NAME_MAX), PARAM_NAME_MAX)
    if (value.length > PARAM_MAX) throw tooLong(name, PARAM_MAX)
  }
  return Object.fromEntries(Array.from(byName, ([name, { value }]) => [name, value]))
}

const tooLong = (field: string, max: number): AppError =>
  new AppError('field_too_long', { field, fix: `Send at most ${max} characters.` })

import type { Advertiser } from '../catalogue/catalogue.ts'
import { AppError } from '../kit/app-error.ts'
import { type CanonicalField, fieldNames } from './field-names.ts'
import { type JsonObject, readJson } from './json-body.ts'
import { createParameterSink, markReplaced, type Parameter } from './parameters.ts'
import { type PickedFields, pickFields } from './pick-fields.ts'
import { type CallContent, readParameters } from './read-parameters.ts'
import { readReport } from './read-report.ts'
import type { Report } from './report.ts'

export type ReadingRules = Pick<Advertiser, 'paramMap' | 'statusMap' | 'timezone'> & {
  nowMs: number
  /** The content was stored with U+FFFD for what could not be stored, so U+FFFD is nothing that was sent. */
  isFromStore?: boolean
}

/** What a refused call is found by later: as much of it as could be read. */
export type FoundIds = { clickId?: string; transactionId?: string; event?: string }

export type Reading =
  | { report: Report; fields: PickedFields['fields'] }
  | { error: AppError; found: FoundIds }

/** A call of an advertiser as a report, or why it is none. Pure; never throws for anything that the caller sent. */
export const readCall = (content: CallContent, rules: ReadingRules): Reading =>
  understand(() => readParameters(content), rules)

const PARAMS_PREFIX = 'params.'

/** As readCall, for one object of POST /v1/conversions; what is in its `params` are parameters of that name. */
export function readConversion(conversion: JsonObject, rules: ReadingRules): Reading {
  const reading = understand(() => {
    const sink = createParameterSink()
    readJson(conversion, sink)
    return sink.byName
  }, rules)
  if ('error' in reading) return reading
  const params = Object.entries(reading.report.params)
  const named = params.map(([name, value]) => [withoutPrefix(name, PARAMS_PREFIX), value])
  return { ...reading, report: { ...reading.report, params: Object.fromEntries(named) } }
}

const withoutPrefix = (text: string, prefix: string): string =>
  text.startsWith(prefix) ? text.slice(prefix.length) : text

function understand(read: () => Map<string, Parameter>, rules: ReadingRules): Reading {
  let picked: PickedFields | undefined
  try {
    const byName = read()
    if (rules.isFromStore) markReplaced(byName)
    picked = pickFields(byName, fieldNames(rules.paramMap))
    const { statusMap, timezone, nowMs } = rules
    return { report: readReport(picked, { statusMap, timeZone: timezone, nowMs }), fields: picked.fields }
  } catch (error) {
    if (error instanceof AppError) return { error, found: picked === undefined ? {} : foundIds(picked) }
    throw error
  }
}

/** Field -> its text and the parameter it came from. */
export function fieldSources(
  fields: PickedFields['fields'],
): Record<string, { value: string; from: string }> {
  return Object.fromEntries(Array.from(fields, ([name, { value, from }]) => [name, { value, from }]))
}

/** What a call is found by, whether it was understood or not. */
export function idsOf(reading: Reading): FoundIds {
  if ('error' in reading) return reading.found
  const { clickId, transactionId, event } = reading.report
  return {
    ...(clickId !== null && { clickId }),
    ...(transactionId !== null && { transactionId }),
    ...(event !== null && { event }),
  }
}

const ID_MAX = 500

function foundIds(picked: PickedFields): FoundIds {
  const text = (name: CanonicalField): string | undefined =>
    picked.fields.get(name)?.value.slice(0, ID_MAX).toWellFormed()
  const clickId = text('click_id')
  const transactionId = text('transaction_id')
  const event = text('event')?.toLowerCase()
  return {
    ...(clickId !== undefined && { clickId }),
    ...(transactionId !== undefined && { transactionId }),
    ...(event !== undefined && { event }),
  }
}

import type { Advertiser } from '../catalogue/catalogue.ts'
import { AppError } from '../kit/app-error.ts'
import { type CanonicalField, fieldNames } from './field-names.ts'
import { markReplaced } from './parameters.ts'
import { type PickedFields, pickFields } from './pick-fields.ts'
import { type CallContent, readParameters } from './read-parameters.ts'
import { readReport } from './read-report.ts'
import type { Report } from './report.ts'

export type ReadingRules = Pick<Advertiser, 'paramMap' | 'statusMap' | 'timezone'> & {
  nowMs: number
  /** Parameters that steer the call (`token`, `format`, `dry_run`) and are no part of the report. */
  ignored?: ReadonlySet<string>
  /** The content was stored with U+FFFD for what could not be stored, so U+FFFD is nothing that was sent. */
  isFromStore?: boolean
}

/** What a refused call is found by later: as much of it as could be read. */
export type FoundIds = { clickId?: string; transactionId?: string; event?: string }

/** Field -> its text and the parameter it came from. */
export type FieldSources = Record<string, { value: string; from: string }>

export type Reading = { report: Report; sources: FieldSources } | { error: AppError; found: FoundIds }

/** A call of an advertiser as a report, or why it is none. Pure; never throws for anything that the caller sent. */
export function readCall(content: CallContent, rules: ReadingRules): Reading {
  let picked: PickedFields | undefined
  try {
    const byName = readParameters(content)
    if (rules.isFromStore) markReplaced(byName)
    for (const name of rules.ignored ?? []) byName.delete(name)
    picked = pickFields(byName, fieldNames(rules.paramMap))
    const { statusMap, timezone, nowMs } = rules
    const fields = picked.fields
    return {
      report: readReport(picked, { statusMap, timeZone: timezone, nowMs }),
      get sources() {
        return toSources(fields)
      },
    }
  } catch (error) {
    if (error instanceof AppError) return { error, found: picked === undefined ? {} : foundIds(picked) }
    throw error
  }
}

function toSources(fields: PickedFields['fields']): FieldSources {
  return Object.fromEntries(Array.from(fields, ([name, { value, from }]) => [name, { value, from }]))
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

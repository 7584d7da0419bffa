import type { ConversionStatus } from '../catalogue/catalogue.ts'
import { SUB_NAMES, trimSubs } from '../clicks/subs.ts'
import { AppError } from '../kit/app-error.ts'
import { type Decimal, parseAmount, parseCurrency } from '../kit/money.ts'
import type { CanonicalField } from './field-names.ts'
import { fieldId, fieldText, refuseField, tooLong } from './field-text.ts'
import { missingClickId } from './missing-click-id.ts'
import { type OccurredAt, readOccurredAt } from './occurred-at.ts'
import type { Parameter } from './parameters.ts'
import type { PickedFields } from './pick-fields.ts'
import type { Report } from './report.ts'
import { readStatusWord } from './status-words.ts'

export type ReportRules = {
  statusMap: Readonly<Record<string, ConversionStatus>>
  /** IANA; for times that come without a zone. */
  timeZone: string
  nowMs: number
}

/** Checks the fields one by one. Throws AppError with field and fix at the first that can not be. */
export function readReport(picked: PickedFields, rules: ReportRules): Report {
  const clickId = fieldId(picked, 'click_id')
  const transactionId = fieldId(picked, 'transaction_id')
  const affiliateId = fieldText(picked, 'affiliate_id')
  const offerId = fieldText(picked, 'offer_id')
  const { hasEmptyClickId } = picked
  assertIdentified({ clickId, transactionId, affiliateId, offerId, hasEmptyClickId })
  const occurred = occurredAt(picked, rules)
  return {
    clickId,
    hasEmptyClickId,
    transactionId,
    affiliateClickId: fieldText(picked, 'affiliate_click_id'),
    event: fieldText(picked, 'event')?.toLowerCase() ?? null,
    status: status(picked, rules),
    saleAmount: amount(picked, 'sale_amount'),
    payout: amount(picked, 'payout'),
    revenue: amount(picked, 'revenue'),
    currency: currency(picked),
    occurredAt: occurred?.at ?? null,
    ...(occurred !== null && { occurredAtStated: occurred.stated }),
    subs: subs(picked),
    affiliateId,
    offerId,
    params: params(picked.rest),
    notes: occurred?.isClamped ? ['occurred_at_clamped'] : [],
  }
}

type Identifying = Pick<Report, 'clickId' | 'transactionId' | 'affiliateId' | 'offerId' | 'hasEmptyClickId'>

/** Whether a transaction id is known is seen only where the report is stored. */
function assertIdentified(found: Identifying): void {
  if (found.clickId !== null || found.transactionId !== null) return
  if (found.affiliateId !== null && found.offerId !== null) return
  throw missingClickId(found)
}

function status(picked: PickedFields, rules: ReportRules): ConversionStatus | null {
  const word = fieldText(picked, 'status')
  if (word === null) return null
  return readStatusWord(word, rules.statusMap) ?? refuse('unknown_status', picked, 'status')
}

function amount(picked: PickedFields, name: 'sale_amount' | 'payout' | 'revenue'): Decimal | null {
  const text = fieldText(picked, name)
  if (text === null) return null
  return parseAmount(text) ?? refuse('invalid_amount', picked, name)
}

function currency(picked: PickedFields): string | null {
  const text = fieldText(picked, 'currency')
  if (text === null) return null
  return parseCurrency(text) ?? refuse('invalid_currency', picked, 'currency')
}

function occurredAt(picked: PickedFields, rules: ReportRules): OccurredAt | null {
  const text = fieldText(picked, 'occurred_at')
  if (text === null) return null
  return readOccurredAt(text, rules) ?? refuse('invalid_time', picked, 'occurred_at')
}

const subs = (picked: PickedFields): (string | null)[] =>
  trimSubs(SUB_NAMES.map((name) => fieldText(picked, name)))

const NAME_MAX = 128
const VALUE_MAX = 4096

function params(rest: ReadonlyMap<string, Parameter>): Record<string, string> {
  for (const [name, { value }] of rest) {
    if (name.length > NAME_MAX) throw tooLong(`${name.slice(0, 40)}...`, NAME_MAX)
    if (value.length > VALUE_MAX) throw tooLong(name, VALUE_MAX)
  }
  return Object.fromEntries(Array.from(rest, ([name, { value }]) => [name, value]))
}

function refuse(
  code: 'unknown_status' | 'invalid_amount' | 'invalid_currency' | 'invalid_time',
  picked: PickedFields,
  name: CanonicalField,
): never {
  const field = picked.fields.get(name)
  throw field === undefined ? new AppError(code, { field: name }) : refuseField(code, name, field)
}

import { AppError } from '../kit/app-error.ts'
import { ERROR_CODES, type ErrorCodeName } from '../kit/error-codes.ts'
import type { CanonicalField } from './field-names.ts'
import type { Field, PickedFields } from './pick-fields.ts'
import { isUnreplacedMacro } from './unreplaced-macro.ts'

/** Most characters that a value may have. */
const LENGTHS: Readonly<Record<CanonicalField, number>> = {
  click_id: 500,
  transaction_id: 255,
  affiliate_click_id: 500,
  event: 128,
  status: 128,
  sale_amount: 128,
  payout: 128,
  revenue: 128,
  currency: 128,
  occurred_at: 128,
  affiliate_id: 128,
  offer_id: 128,
  sub1: 500,
  sub2: 500,
  sub3: 500,
  sub4: 500,
  sub5: 500,
  sub6: 500,
  sub7: 500,
  sub8: 500,
  sub9: 500,
  sub10: 500,
}

const SHOWN_MAX = 60

/** A refusal that names the field, the parameter it came in and the beginning of its value. */
export const refuseField = (code: ErrorCodeName, name: CanonicalField, field: Field): AppError =>
  new AppError(code, { field: name, message: withReceived(ERROR_CODES[code].message, field) })

function withReceived(message: string, { from, value }: Field): string {
  const shown = value.length > SHOWN_MAX ? `${value.slice(0, SHOWN_MAX)}...` : value
  return `${message} Received ${from} = "${shown}".`.toWellFormed()
}

/** The value of a field that is well encoded and not too long, or null. Throws AppError `invalid_encoding`, `field_too_long`. */
export function fieldText(picked: PickedFields, name: CanonicalField): string | null {
  const field = picked.fields.get(name)
  if (field === undefined) return null
  if (field.broken) throw refuseField('invalid_encoding', name, field)
  if (field.value.length > LENGTHS[name]) throw tooLong(name, LENGTHS[name])
  return field.value
}

/** As fieldText; a placeholder that was never replaced is refused before its encoding is looked at: `%clickid%` has a broken one. */
export function fieldId(picked: PickedFields, name: 'click_id' | 'transaction_id'): string | null {
  const field = picked.fields.get(name)
  if (field !== undefined && (isUnreplacedMacro(field.raw) || isUnreplacedMacro(field.value)))
    throw name === 'click_id' ? refuseField('macro_not_replaced', name, field) : placeholder(field)
  return fieldText(picked, name)
}

const placeholder = (transactionId: Field): AppError =>
  new AppError('macro_not_replaced', {
    field: 'transaction_id',
    message: withReceived('The transaction id is a placeholder that was never replaced.', transactionId),
    fix: "Use the sending system's own macro for its order or transaction id.",
  })

export const tooLong = (field: string, max: number): AppError =>
  new AppError('field_too_long', {
    field,
    message: `The value is longer than ${max} characters.`,
    fix: `Send at most ${max} characters.`,
  })

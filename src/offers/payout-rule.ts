import type { PayoutOverride, PayoutRule } from '../catalogue/catalogue.ts'
import { AppError } from '../kit/app-error.ts'
import type { Uuid } from '../kit/ids.ts'
import { type Decimal, parseAmount, parseCurrency } from '../kit/money.ts'

export type PayoutInput = {
  type: PayoutRule['type']
  value?: string | number | null
  currency?: string | null
}
export type OverrideInput = PayoutInput & { affiliate_id?: string | null; event?: string | null }

const PERCENT_MAX = 1000

/** Throws AppError naming the field below `field` where value or currency do not fit the type. */
export function toPayoutRule(input: PayoutInput, field: string): PayoutRule {
  const currency = toCurrency(input.currency, `${field}.currency`)
  if (currency === undefined)
    throw new AppError('missing_field', {
      field: `${field}.currency`,
      fix: 'Send the currency that the affiliate is paid in.',
    })
  return { type: input.type, ...toValue(input, field), currency }
}

/** Overrides with affiliates as bare uuids. Throws AppError naming the entry that is wrong. */
export function toOverrides(
  inputs: readonly OverrideInput[],
  resolveAffiliate: (text: string, field: string) => Uuid,
): PayoutOverride[] {
  const seen = new Set<string>()
  return inputs.map((input, at) => {
    const field = `overrides.${at}`
    const override = toOverride(input, field, resolveAffiliate)
    const key = `${override.affiliate_id ?? ''} ${override.event ?? ''}`
    if (key === ' ' || seen.has(key))
      throw new AppError('invalid_field', {
        field,
        message: 'An override names neither affiliate nor event, or the same ones as an earlier one.',
        fix: 'Send affiliate_id, event or both, and each pair once.',
      })
    seen.add(key)
    return override
  })
}

function toOverride(
  input: OverrideInput,
  field: string,
  resolveAffiliate: (text: string, field: string) => Uuid,
): PayoutOverride {
  const currency = toCurrency(input.currency, `${field}.currency`)
  const event = input.event?.trim().toLowerCase() ?? ''
  return {
    ...(input.affiliate_id != null && {
      affiliate_id: resolveAffiliate(input.affiliate_id, `${field}.affiliate_id`),
    }),
    ...(event !== '' && { event }),
    type: input.type,
    ...toValue(input, field),
    ...(currency !== undefined && { currency }),
  }
}

function toCurrency(text: string | null | undefined, field: string): string | undefined {
  if (text == null) return undefined
  const currency = parseCurrency(text)
  if (currency === null) throw new AppError('invalid_currency', { field })
  return currency
}

function toValue({ type, value }: PayoutInput, field: string): { value?: Decimal } {
  const path = `${field}.value`
  if (type === 'passthrough') {
    if (value == null) return {}
    throw new AppError('invalid_field', {
      field: path,
      message: 'A passthrough payout is what the advertiser reports; it has no value.',
      fix: 'Leave value out.',
    })
  }
  if (value == null)
    throw new AppError('missing_field', {
      field: path,
      message: `A ${type} payout needs a value.`,
      fix: type === 'fixed' ? 'Send the amount, e.g. "12.50".' : 'Send the percentage, e.g. "7.5".',
    })
  const amount = parseAmount(String(value))
  if (amount === null) throw new AppError('invalid_amount', { field: path })
  if (type === 'percent' && Number(amount) > PERCENT_MAX)
    throw new AppError('invalid_field', {
      field: path,
      message: `A percentage is at most ${PERCENT_MAX}.`,
      fix: 'Send 7.5 for 7.5 %.',
    })
  return { value: amount }
}

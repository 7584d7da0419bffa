import Big from 'big.js'

/** An amount as a plain decimal string with up to 12 digits before and 6 after the point; never a float. */
export type Decimal = string

const AMOUNT = /^\d{1,12}(?:\.\d{1,6})?$/
const COMMA_AMOUNT = /^(\d{1,12}),(\d{1,2})$/

/**
 * Reads an amount as callers write it: `12.50`, and `12,50` (a decimal comma with one or two digits) as 12.50.
 * Null for everything else: thousands separators, exponents, signs, more digits.
 */
export function parseAmount(text: string): Decimal | null {
  const comma = COMMA_AMOUNT.exec(text)
  const plain = comma ? `${comma[1]}.${comma[2]}` : text
  return AMOUNT.test(plain) ? normalize(new Big(plain)) : null
}

const normalize = (value: Big): Decimal => value.round(6, Big.roundHalfUp).toFixed()

export const isSameAmount = (a: Decimal | null, b: Decimal | null): boolean =>
  a === null || b === null ? a === b : new Big(a).eq(b)

/** percent % of base, six decimals, half up. */
export const percentOf = (base: Decimal, percent: Decimal): Decimal =>
  normalize(new Big(base).times(percent).div(100))

export const subtract = (a: Decimal, b: Decimal): Decimal => normalize(new Big(a).minus(b))

/** Half up to a fixed number of digits, as `{payout|fixed:2}` writes it. */
export const toFixedDigits = (value: Decimal, digits: number): string =>
  new Big(value).toFixed(digits, Big.roundHalfUp).replace(/^-(?=[0.]*$)/, '')

/** Minor digits of currencies that differ from the usual two (ISO 4217; crypto by their common use). */
const MINOR_DIGITS: Readonly<Record<string, number>> = {
  BIF: 0,
  CLP: 0,
  DJF: 0,
  GNF: 0,
  ISK: 0,
  JPY: 0,
  KMF: 0,
  KRW: 0,
  PYG: 0,
  RWF: 0,
  UGX: 0,
  UYI: 0,
  VND: 0,
  VUV: 0,
  XAF: 0,
  XOF: 0,
  XPF: 0,
  BHD: 3,
  IQD: 3,
  JOD: 3,
  KWD: 3,
  LYD: 3,
  OMR: 3,
  TND: 3,
  CLF: 4,
  UYW: 4,
}

/** An amount as it is written on the wire: at least the currency's minor digits, no further trailing zeros. */
export function formatAmount(value: Decimal, currency: string | null): string {
  const digits = currency === null ? 2 : (MINOR_DIGITS[currency] ?? 2)
  const [whole, fraction = ''] = normalize(new Big(value)).split('.')
  const padded = fraction.padEnd(digits, '0')
  return padded === '' ? `${whole}` : `${whole}.${padded}`
}

const CRYPTO = ['USDT', 'USDC', 'BTC', 'ETH']
const ISO_4217 = new Set(Intl.supportedValuesOf('currency'))

/** The upper-case code, or null if it is neither ISO 4217 nor one of USDT USDC BTC ETH. */
export function parseCurrency(text: string): string | null {
  const code = text.toUpperCase()
  return ISO_4217.has(code) || CRYPTO.includes(code) ? code : null
}

import { hash } from 'node:crypto'

/** How ad platforms want a person's data before it is hashed: phone is digits only, e164 with a plus before them. */
export type UserDataKind = 'email' | 'phone' | 'e164'

const SHA256_HEX = /^[0-9a-f]{64}$/i

const NORMALISE: Readonly<Record<UserDataKind, (text: string) => string>> = {
  email: (text) => text.trim().toLowerCase(),
  phone: (text) => digitsOf(text),
  e164: (text) => {
    const digits = digitsOf(text)
    return digits === '' ? '' : `+${digits}`
  },
}

/** Without the international prefix 00, and without the (0) that is dialled inside the country only. */
const digitsOf = (text: string): string => text.replace('(0)', '').replace(/\D/g, '').replace(/^0+/, '')

export const isUserDataKind = (word: string | null): word is UserDataKind =>
  word !== null && Object.hasOwn(NORMALISE, word)

/**
 * SHA-256 in hex of a person's data, normalised; empty stays empty. What is such a hash already stays it: advertisers
 * report hashed addresses too.
 */
export function hashUserData(kind: UserDataKind, text: string): string {
  const given = text.trim()
  if (SHA256_HEX.test(given)) return given.toLowerCase()
  const normal = NORMALISE[kind](given)
  return normal === '' ? '' : hash('sha256', normal, 'hex')
}

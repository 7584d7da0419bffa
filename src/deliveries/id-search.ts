import { ID_PREFIXES, type Noun, type Uuid } from '../kit/ids.ts'

/** What a search text may mean: ids of one noun in a range, or the beginning of a text id. */
export type IdSearch =
  | { kind: 'range'; noun: Noun; from: Uuid; to: Uuid }
  | { kind: 'prefix'; likePattern: string }

/** Of a prefix that more rows fit, only the newest of each searched column are found. */
export const SEARCHED_ROWS_MAX = 1000

const SUFFIX_LENGTH = 26
const SUFFIX = /^[0-7][0-9a-hjkmnp-tv-z]{0,25}$/

/**
 * Reads the `q` of a list. The whole or the beginning of one of our ids (`dlv_01k…`) becomes a range of uuids; anything
 * else is the beginning of a click id or a transaction id. A range and a prefix both use an index; a substring would not.
 */
export function readIdSearch(q: string, nouns: readonly Noun[]): IdSearch {
  const text = q.trim()
  for (const noun of nouns) {
    const prefix = `${ID_PREFIXES[noun]}_`
    const suffix = text.slice(prefix.length)
    if (!text.startsWith(prefix) || !SUFFIX.test(suffix || '0')) continue
    const from = toUuid(suffix.padEnd(SUFFIX_LENGTH, '0'))
    const to = toUuid((suffix || '7').padEnd(SUFFIX_LENGTH, 'z'))
    return { kind: 'range', noun, from, to }
  }
  return { kind: 'prefix', likePattern: toLikePattern(text) }
}

/** A LIKE pattern for texts that begin with this one. */
export const toLikePattern = (text: string): string => `${text.replace(/[\\%_]/g, '\\$&')}%`

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/** 26 characters of base 32 as a uuid of any version: bounds of a range are no ids, which decodeId would refuse. */
function toUuid(suffix: string): Uuid {
  let value = 0n
  for (const char of suffix) value = value * 32n + BigInt(ALPHABET.indexOf(char))
  const hex = value.toString(16).padStart(32, '0')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

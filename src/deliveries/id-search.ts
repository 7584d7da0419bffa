import { decodeId, ID_PREFIXES, type Noun, type Uuid } from '../kit/ids.ts'

/** What a search text may mean: ids of one noun in a range, or the beginning of a text id. */
export type IdSearch =
  | { kind: 'range'; noun: Noun; from: Uuid; to: Uuid }
  | { kind: 'prefix'; likePattern: string }

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
    const from = decodeId(noun, prefix + suffix.padEnd(SUFFIX_LENGTH, '0'))
    const to = decodeId(noun, prefix + (suffix || '7').padEnd(SUFFIX_LENGTH, 'z'))
    if (from !== null && to !== null) return { kind: 'range', noun, from, to }
  }
  return { kind: 'prefix', likePattern: toLikePattern(text) }
}

/** A LIKE pattern for texts that begin with this one. */
export const toLikePattern = (text: string): string => `${text.replace(/[\\%_]/g, '\\$&')}%`

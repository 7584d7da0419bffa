import { AppError } from '../kit/app-error.ts'
import { decodeFormText } from './percent-decode.ts'

/** `raw` is what was sent, kept only for a broken value. */
export type Parameter = { value: string; broken: boolean; raw?: string }

const PARAMETERS_MAX = 500

/** Counts every parameter that arrives, repeated ones too. */
export type ParameterSink = {
  readonly byName: Map<string, Parameter>
  add(name: string, parameter: Parameter): void
}

/**
 * The last value of a name counts, and stands last; spaces around a name are no part of it. `add` throws AppError
 * `too_many_parameters`.
 */
export function createParameterSink(): ParameterSink {
  const byName = new Map<string, Parameter>()
  let count = 0
  return {
    byName,
    add(given, parameter) {
      count++
      if (count > PARAMETERS_MAX) throw new AppError('too_many_parameters')
      const name = given.trim()
      byName.delete(name)
      byName.set(name, parameter)
    },
  }
}

/** Reads `a=1&b=2`, one byte per character; a pair without `=` has an empty value. Throws AppError `too_many_parameters`. */
export function readPairs(binary: string, sink: ParameterSink): void {
  let start = 0
  while (start < binary.length) {
    const ampersand = binary.indexOf('&', start)
    const end = ampersand === -1 ? binary.length : ampersand
    if (end > start) addPair(binary.slice(start, end), sink)
    start = end + 1
  }
}

function addPair(pair: string, sink: ParameterSink): void {
  const equals = pair.indexOf('=')
  const name = decodeFormText(equals === -1 ? pair : pair.slice(0, equals)).text
  const raw = equals === -1 ? '' : pair.slice(equals + 1)
  const { text, broken } = decodeFormText(raw)
  sink.add(withoutHtmlEscape(name), broken ? { value: text, broken, raw } : { value: text, broken })
}

/** A URL pasted out of HTML separates its pairs with `&amp;`. */
export const withoutHtmlEscape = (name: string): string => (name.startsWith('amp;') ? name.slice(4) : name)

const REPLACEMENT = '\ufffd'

/** For text whose bytes were replaced before we saw it: there U+FFFD is no character that somebody sent. */
export function markReplaced(byName: ReadonlyMap<string, Parameter>): void {
  for (const parameter of byName.values()) {
    if (!parameter.broken && parameter.value.includes(REPLACEMENT)) {
      parameter.broken = true
      parameter.raw = parameter.value
    }
  }
}

import { RenderError } from './render-error.ts'
import { SECRET_MARK } from './template.ts'

/** Where in a request a value stands; each place has its own escape. */
export type Place = 'path' | 'query' | 'header' | 'form' | 'json_string' | 'json_bare' | 'xml' | 'text'

export type Encoder = (value: string) => string

const NEEDS_NO_ENCODING = /^[A-Za-z0-9\-._~]*$/

/** RFC 3986: everything but unreserved characters, a space as %20. */
function encodeComponent(value: string): string {
  if (NEEDS_NO_ENCODING.test(value)) return value
  return encodeURIComponent(value.toWellFormed()).replace(/[!'()*]/g, percentOf)
}

const percentOf = (char: string): string =>
  `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`

const encodeForm: Encoder = (value) => encodeComponent(value).replaceAll('%20', '+')

const RAW_QUERY = /^(?:[A-Za-z0-9\-._~!$()*,;=:@/?]|%[0-9A-Fa-f]{2})*$/
const RAW_PATH = /^(?:[A-Za-z0-9\-._~!$()*,;=:@]|%[0-9A-Fa-f]{2})*$/

/** For the filter raw: a value that is already encoded stays as it is, any other is encoded as usual. */
export const rawEncoders: Readonly<Partial<Record<Place, Encoder>>> = {
  path: (value) => (RAW_PATH.test(value) ? value : encodeComponent(value)),
  query: (value) => (RAW_QUERY.test(value) ? value : encodeComponent(value)),
}

/**
 * Recorded requests keep secrets as `{secret:NAME}` and are expanded again on replay, so a value of a conversion must
 * not look like one.
 */
function assertNoSecretMark(value: string): void {
  if (value.includes(SECRET_MARK)) throw new RenderError('A value of the conversion looks like {secret:...}.')
}

const encodeJsonString: Encoder = (value) => {
  const quoted = JSON.stringify(value.toWellFormed())
  const inner = quoted.slice(1, -1)
  return inner.includes(SECRET_MARK) ? inner.replaceAll('{', '\\u007b') : inner
}

// Over 15 digits a receiver's double would round it, so it travels as a string.
const BARE_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/
const BARE_DIGITS_MAX = 15

const encodeJsonBare: Encoder = (value) =>
  value.length <= BARE_DIGITS_MAX && BARE_NUMBER.test(value) ? value : `"${encodeJsonString(value)}"`

const isHeaderBreaking = (code: number): boolean => (code < 0x20 && code !== 0x09) || code === 0x7f

/** Throws RenderError for what would end or break the header. */
export const encodeHeader: Encoder = (value) => {
  for (let i = 0; i < value.length; i++)
    if (isHeaderBreaking(value.charCodeAt(i)))
      throw new RenderError('A value for a header holds a line break or another control character.')
  assertNoSecretMark(value)
  return value.toWellFormed()
}

const XML_ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}

const encodeXml: Encoder = (value) => {
  assertNoSecretMark(value)
  return value.toWellFormed().replace(/[&<>"']/g, (char) => XML_ENTITIES[char] ?? char)
}

const encodeText: Encoder = (value) => {
  assertNoSecretMark(value)
  return value.toWellFormed()
}

export const encoders: Readonly<Record<Place, Encoder>> = {
  path: encodeComponent,
  query: encodeComponent,
  header: encodeHeader,
  form: encodeForm,
  json_string: encodeJsonString,
  json_bare: encodeJsonBare,
  xml: encodeXml,
  text: encodeText,
}

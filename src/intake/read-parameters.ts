import { isUtf8 } from 'node:buffer'
import { AppError } from '../kit/app-error.ts'
import { isJsonObject, type JsonObject, parseExactJson, readJson } from './json-body.ts'
import { multipartBoundary, readMultipart } from './multipart-body.ts'
import {
  createParameterSink,
  markReplaced,
  type Parameter,
  type ParameterSink,
  readPairs,
} from './parameters.ts'

export type CallContent = {
  /** What stands after `?`, one byte per character; empty without a query. */
  query: string
  body: Buffer | null
  contentType: string | null
  /** Names in the query that steer the call (`token`, `format`, `dry_run`) and are no part of the report. */
  ignored?: ReadonlySet<string>
}

/**
 * Every parameter of a call: the query, then the body over it. The content type is a hint only: a body that looks like
 * JSON is JSON, one with a multipart type and its boundary is that, all else is a form.
 * Throws AppError `malformed` or `too_many_parameters`.
 */
export function readParameters(content: CallContent): Map<string, Parameter> {
  const sink = createParameterSink()
  readPairs(content.query, sink)
  for (const name of content.ignored ?? []) sink.byName.delete(name)
  if (content.body !== null && content.body.length > 0) readBody(content.body, content.contentType, sink)
  return sink.byName
}

const BYTE_ORDER_MARK = '\ufeff'
/** First byte of what is packed by gzip. */
const GZIP = 0x1f

function readBody(body: Buffer, contentType: string | null, sink: ParameterSink): void {
  const first = firstByte(body)
  if (first === null) return
  if (body[0] === GZIP)
    throw notJson('The body is compressed.', 'Send it as it is, without Content-Encoding.')
  if (first === 0x7b || first === 0x5b) readJsonBody(body, sink)
  else readFormBody(body.toString('latin1'), contentType ?? '', sink)
}

function readFormBody(binary: string, contentType: string, sink: ParameterSink): void {
  const boundary = multipartBoundary(contentType)
  if (boundary !== null) readMultipart(binary, boundary, sink)
  else if (contentType.includes('json') && !binary.includes('=')) throw notJson('The body is not valid JSON.')
  else readPairs(withoutMargins(binary), sink)
}

function readJsonBody(body: Buffer, sink: ParameterSink): void {
  readJson(parseJsonBody(body), sink)
  if (!isUtf8(body)) markReplaced(sink.byName)
}

function parseJsonBody(body: Buffer): JsonObject {
  const value = tryParse(body.toString('utf8'))
  if (isJsonObject(value)) return value
  throw notJson(value === undefined ? 'The body is not valid JSON.' : 'The JSON body is not an object.')
}

const FIX = 'Send one JSON object, for example {"click_id":"...","payout":"1.50"}, or a form.'

const notJson = (message: string, fix = FIX): AppError => new AppError('malformed', { message, fix })

function tryParse(text: string): unknown {
  try {
    return parseExactJson(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text)
  } catch {
    return undefined
  }
}

/** Of the text after white space and a byte order mark; null if there is none. */
function firstByte(body: Buffer): number | null {
  for (const byte of body) if (byte > 0x20 && !MARK_BYTES.includes(byte)) return byte
  return null
}

const MARK_BYTES = [0xef, 0xbb, 0xbf]
const MARK_AS_LATIN1 = '\u00ef\u00bb\u00bf'

/** Scripts that write their form with echo end it with a line feed; some editors begin it with a byte order mark. */
function withoutMargins(binary: string): string {
  let start = binary.startsWith(MARK_AS_LATIN1) ? MARK_AS_LATIN1.length : 0
  let end = binary.length
  while (start < end && binary.charCodeAt(start) <= 0x20) start++
  while (end > start && binary.charCodeAt(end - 1) <= 0x20) end--
  return binary.slice(start, end)
}

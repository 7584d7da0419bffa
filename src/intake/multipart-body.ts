import { AppError } from '../kit/app-error.ts'
import type { ParameterSink } from './parameters.ts'
import { decodeBytes } from './percent-decode.ts'

const BOUNDARY = /;\s*boundary=(?:"([^"]{1,200})"|([^\s;]{1,200}))/i
const NAME = /^content-disposition:[^\r\n]*;[ \t]*name=(?:"([^"\r\n]*)"|([^\s;]+))/im
const PART_HEADERS_MAX = 4096

/** The boundary of a multipart content type, or null if it is another type. */
export function multipartBoundary(contentType: string): string | null {
  if (!contentType.trimStart().toLowerCase().startsWith('multipart/')) return null
  const match = BOUNDARY.exec(contentType)
  return match?.[1] ?? match?.[2] ?? null
}

/**
 * Reads the fields of a multipart form (what PHP's curl sends for an array of fields), one byte per character.
 * Throws AppError `malformed` where the boundary never comes, `too_many_parameters`.
 */
export function readMultipart(binary: string, boundary: string, sink: ParameterSink): void {
  const delimiter = `--${boundary}`
  let start = binary.indexOf(delimiter)
  if (start === -1)
    throw new AppError('malformed', {
      message: 'The multipart body has no boundary.',
      fix: 'Separate its parts by the boundary that content-type names, or send a plain form.',
    })
  while (start !== -1) {
    const partStart = start + delimiter.length
    if (binary.startsWith('--', partStart)) return
    const next = binary.indexOf(`\n${delimiter}`, partStart)
    addPart(binary.slice(partStart, next === -1 ? undefined : next), sink)
    start = next === -1 ? -1 : next + 1
  }
}

function addPart(part: string, sink: ParameterSink): void {
  const blank = /\r?\n\r?\n/.exec(part.slice(0, PART_HEADERS_MAX))
  if (blank === null) return
  const name = NAME.exec(part.slice(0, blank.index + 1))
  if (name === null) return
  const value = part.slice(blank.index + blank[0].length)
  const raw = value.endsWith('\r') ? value.slice(0, -1) : value
  const { text, broken } = decodeBytes(raw)
  sink.add(
    decodeBytes(name[1] ?? name[2] ?? '').text,
    broken ? { value: text, broken, raw } : { value: text, broken },
  )
}

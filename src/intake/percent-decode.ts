import { isUtf8 } from 'node:buffer'
import { toStorableText } from '../kit/text.ts'

/** `broken`: some bytes or percent sequences were no text, or a NUL; U+FFFD stands in their place. */
export type Decoded = { text: string; broken: boolean }

const PERCENT = 0x25
const PLUS = 0x2b

/**
 * Decodes one name or value of a query or form. `binary` holds one byte per character (latin1), as node:http gives URLs.
 * `+` is a space. Never throws.
 */
export function decodeFormText(binary: string): Decoded {
  const marks = findMarks(binary)
  if (marks === NONE) return { text: binary, broken: false }
  const spaced = marks & HAS_PLUS ? binary.replaceAll('+', ' ') : binary
  if (!(marks & (HAS_PERCENT | HAS_ODD_BYTE))) return { text: spaced, broken: false }
  return (marks & HAS_ODD_BYTE ? null : decodeStrictly(spaced)) ?? decodeLeniently(spaced)
}

const NONE = 0
const HAS_PLUS = 1
const HAS_PERCENT = 2
const HAS_ODD_BYTE = 4

function findMarks(binary: string): number {
  let marks = NONE
  for (let at = 0; at < binary.length; at++) {
    const code = binary.charCodeAt(at)
    if (code === PLUS) marks |= HAS_PLUS
    else if (code === PERCENT) marks |= HAS_PERCENT
    else if (code > 0x7e || code === 0) marks |= HAS_ODD_BYTE
  }
  return marks
}

function decodeStrictly(spaced: string): Decoded | null {
  try {
    const text = decodeURIComponent(spaced)
    return text.includes('\0') ? null : { text, broken: false }
  } catch {
    return null
  }
}

function decodeLeniently(spaced: string): Decoded {
  const bytes: number[] = []
  let hasBadSequence = false
  for (let at = 0; at < spaced.length; at++) {
    const code = spaced.charCodeAt(at)
    const escaped = code === PERCENT ? hexByte(spaced, at + 1) : null
    if (escaped !== null) {
      bytes.push(escaped)
      at += 2
    } else if (code === PERCENT || code > 0xff) {
      bytes.push(0xef, 0xbf, 0xbd)
      hasBadSequence = true
    } else {
      bytes.push(code)
    }
  }
  const decoded = fromUtf8(Buffer.from(bytes))
  return { text: decoded.text, broken: hasBadSequence || decoded.broken }
}

/** Decodes one byte per character as UTF-8; percent signs and `+` mean themselves. Never throws. */
export const decodeBytes = (binary: string): Decoded => fromUtf8(Buffer.from(binary, 'latin1'))

function fromUtf8(bytes: Buffer): Decoded {
  const { text, broken } = toStorable(bytes.toString('utf8'))
  return { text, broken: broken || !isUtf8(bytes) }
}

function hexByte(text: string, at: number): number | null {
  const high = hexDigit(text.charCodeAt(at))
  const low = hexDigit(text.charCodeAt(at + 1))
  return high === null || low === null ? null : high * 16 + low
}

function hexDigit(code: number): number | null {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const letter = code | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : null
}

/** `broken` where the text held what Postgres can not: NUL or lone surrogates. */
export function toStorable(text: string): Decoded {
  const storable = toStorableText(text)
  return { text: storable, broken: storable !== text }
}

import type { RenderedRequest } from './render.ts'

/**
 * One line for a POSIX-like shell (bash, zsh) that makes the same call. Given a recorded request, secrets and signature
 * stay as {secret:NAME} and {signature}: curl is told (--globoff) not to read braces.
 */
export function toCurl(request: RenderedRequest): string {
  const words = ['curl', '--globoff']
  if (request.method !== 'GET') words.push('--request', request.method)
  words.push(quote(request.url))
  for (const [name, text] of Object.entries(request.headers))
    words.push('--header', quote(text === '' ? `${name};` : `${name}: ${text}`))
  if (request.body !== null) words.push('--data-raw', quote(request.body))
  return words.join(' ')
}

const isPrintable = (text: string): boolean => {
  for (const char of text) if (char < ' ' || char === '\u007f') return false
  return true
}

/** A shell word that no content can leave: single quotes, or $'...' where there are line breaks and controls. */
function quote(text: string): string {
  if (isPrintable(text)) return `'${text.replaceAll("'", "'\\''")}'`
  const escaped = Array.from(text, (char) => {
    if (char === '\\' || char === "'") return `\\${char}`
    if (char >= ' ' && char !== '\u007f') return char
    return char === '\u0000' ? '' : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
  return `$'${escaped.join('')}'`
}

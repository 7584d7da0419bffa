/** "2026-11-23 13:44:05 UTC" */
export const stamp = (instant: Date): string => `${instant.toISOString().slice(0, 19).replace('T', ' ')} UTC`

export const at = (instant: Date): string => `on ${stamp(instant)}`

const EXCERPT_MAX = 120

/** The beginning of a tracker's answer on one line, in quotes; empty for an empty answer. */
function quoteAnswer(body: string | null): string {
  const line = (body ?? '').replace(/\s+/g, ' ').trim()
  if (line === '') return ''
  return ` "${line.length > EXCERPT_MAX ? `${wholeCharacters(line.slice(0, EXCERPT_MAX))}…` : line}"`
}

/** Half a character at the end is dropped: jsonb does not take it. */
const wholeCharacters = (cut: string): string => cut.replace(/[\ud800-\udbff]$/, '')

const ERRORS: Readonly<Record<string, string>> = {
  dns_failed: 'its host name could not be resolved',
  address_not_public: 'its address is not a public one, which the relay never calls',
  connect_failed: 'no connection could be made',
  connect_timeout: 'no connection could be made in time',
  tls_failed: 'no encrypted connection could be made (certificate or protocol)',
  timeout: 'it did not answer in time',
  connection_reset: 'it broke the connection',
  bad_answer: 'its answer was not valid HTTP',
  redirect: 'it redirected to another address, which postbacks do not follow',
  invalid_request: 'the request could not be made from the template',
}

/** What became of a call, as the end of "the tracker answered": `HTTP 500 "…"`, or why there was no answer. */
export function describeAnswer(answer: {
  httpStatus: number | null
  error: string | null
  body: string | null
}): string {
  const { httpStatus, error, body } = answer
  if (httpStatus !== null) {
    const meaning = error === null || error.startsWith('http_') ? '' : ` (${ERRORS[error] ?? error})`
    return `HTTP ${httpStatus}${quoteAnswer(body)}${meaning}`
  }
  return error === null ? 'nothing on record' : (ERRORS[error] ?? error)
}

export const times = (count: number): string => (count === 1 ? 'once' : `${count} times`)

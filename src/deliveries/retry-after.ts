const RETRY_AFTER_MAX_MS = 24 * 3_600_000

/** The three date forms of HTTP (RFC 9110 5.6.7); Date.parse alone would take almost anything. */
const HTTP_DATE = /^[a-z]{3,9},? \d{2}[ -][a-z]{3}[ -]\d{2,4} \d{2}:\d{2}:\d{2} gmt$/i
const ASCTIME_DATE = /^[a-z]{3} [a-z]{3} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/i

/** A Retry-After header (seconds or a date) as ms from nowMs, 0 to 24 h; null if there is none or it says nothing. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | null {
  const text = header?.trim() ?? ''
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, RETRY_AFTER_MAX_MS)
  const atMs = parseHttpDate(text)
  return Number.isNaN(atMs) ? null : Math.min(Math.max(0, atMs - nowMs), RETRY_AFTER_MAX_MS)
}

function parseHttpDate(text: string): number {
  if (HTTP_DATE.test(text)) return Date.parse(text)
  return ASCTIME_DATE.test(text) ? Date.parse(`${text} GMT`) : Number.NaN
}

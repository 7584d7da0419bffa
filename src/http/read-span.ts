import { AppError } from '../kit/app-error.ts'
import { parseInstant } from '../kit/instant.ts'

/** `from` and `to` of a list's query; null where not given. Throws AppError invalid_time naming the field. */
export const readSpan = (query: { from?: string; to?: string }): { from: Date | null; to: Date | null } => ({
  from: readInstant('from', query.from),
  to: readInstant('to', query.to),
})

function readInstant(field: 'from' | 'to', text: string | undefined): Date | null {
  if (text === undefined || text === '') return null
  const instant = parseInstant(text)
  // In a query an unencoded "+" of a zone arrives as a space.
  if (instant === null)
    throw new AppError('invalid_time', {
      field,
      fix: 'Give RFC 3339 like 2026-01-31T12:00:00Z, or a date; encode a "+" of the zone as %2B.',
    })
  return instant
}

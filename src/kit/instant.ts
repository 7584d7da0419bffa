const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$/
const DATE = /^\d{4}-\d{2}-\d{2}$/

/** A point in time as filters take it: RFC 3339 with a zone, or a date (00:00 UTC). Null for anything else. */
export function parseInstant(text: string): Date | null {
  const upper = text.toUpperCase().replace(' ', 'T')
  if (!RFC_3339.test(upper) && !DATE.test(upper)) return null
  const instant = new Date(upper)
  return Number.isNaN(instant.getTime()) || !isDay(upper.slice(0, 10)) ? null : instant
}

/** Date takes 30 February for 2 March. */
function isDay(date: string): boolean {
  const day = new Date(date)
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(date)
}

export type Cell = string | number | boolean | Date | null

/** The same property of every row, as one array parameter for `unnest`. */
export const column = <Row>(rows: readonly Row[], value: (row: Row) => Cell): string =>
  arrayLiteral(rows.map(value))

/**
 * The text of a PostgreSQL array, also as an element of another one, which unnest would flatten. Written here because pg
 * searches every text twice by a regular expression for what has to be escaped.
 */
export function arrayLiteral(values: readonly Cell[]): string {
  let text = '{'
  for (const value of values) text += text.length === 1 ? toElement(value) : `,${toElement(value)}`
  return `${text}}`
}

function toElement(value: Cell): string {
  if (value === null) return 'NULL'
  if (typeof value === 'string') return `"${needsEscape(value) ? escapeText(value) : value}"`
  return value instanceof Date ? `"${value.toISOString()}"` : String(value)
}

const needsEscape = (text: string): boolean => text.includes('"') || text.includes('\\')
const escapeText = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')

/** Rows under a heading, columns aligned, two spaces between. Empty and missing values are shown as `-`. */
export function toTable(heading: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const lines = [heading, ...rows.map((row) => row.map(toCell))]
  const widths = heading.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

// Control characters of partners' values must not reach the terminal.
const toCell = (value: unknown): string => {
  if (value === null || value === undefined || value === '') return '-'
  return String(value).replaceAll(/\p{Cc}/gu, ' ')
}

/** `2026-01-31T10:00:00.000Z` as `2026-01-31 10:00:00`. */
export const toTime = (rfc3339: string | null): string | null =>
  rfc3339 === null ? null : rfc3339.slice(0, 19).replace('T', ' ')

/** `1 delivery`, `2 deliveries`. */
export const count = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`

/** Column -> value; the first row names the columns. */
export type CsvRow = Readonly<Record<string, string>>

/** RFC 4180, with a head line; empty without rows. */
export function toCsvText(rows: readonly CsvRow[]): string {
  const columns = Object.keys(rows[0] ?? {})
  const lines = [columns, ...rows.map((row) => columns.map((column) => row[column] ?? ''))]
  return lines.map((cells) => `${cells.map(toCell).join(',')}\r\n`).join('')
}

const toCell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

/** Rows of a text that toCsvText or the relay wrote. */
export function readCsvText(text: string): CsvRow[] {
  const [columns = [], ...lines] = readLines(text)
  return lines.map((cells) => Object.fromEntries(columns.map((column, at) => [column, cells[at] ?? ''])))
}

function readLines(text: string): string[][] {
  const lines: string[][] = []
  let line: string[] = []
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|$)/g)) {
    if (quoted === undefined && plain === '' && end === '' && line.length === 0) break
    line.push(quoted === undefined ? (plain ?? '') : quoted.replaceAll('""', '"'))
    if (end === ',') continue
    lines.push(line)
    line = []
    if (end === '') break
  }
  return lines
}

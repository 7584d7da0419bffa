import { CsvError, parse } from 'csv-parse/sync'
import { CONVERSION_STATUSES } from '../catalogue/catalogue.ts'
import { assertPlain } from '../http/json-body.ts'
import { AppError } from '../kit/app-error.ts'
import { csvLine, foreignText, ownText } from '../kit/csv.ts'
import { ROWS_MAX } from './transfer-schema.ts'

/** How a cell holds a field: a text, texts joined by |, a flag, a number, or JSON. */
type Cell = 'text' | 'list' | 'flag' | 'number' | 'json'

const COLUMNS: Readonly<Record<string, Cell>> = {
  id: 'text',
  external_id: 'text',
  affiliate_id: 'text',
  name: 'text',
  preset: 'text',
  method: 'text',
  url: 'text',
  url_pending: 'text',
  url_approved: 'text',
  url_rejected: 'text',
  headers: 'json',
  body: 'text',
  content_type: 'text',
  secrets: 'json',
  events: 'list',
  statuses: 'list',
  changes: 'list',
  offer_ids: 'list',
  fallback: 'flag',
  delay_seconds: 'number',
  success: 'json',
  retry: 'json',
  rate_limit: 'json',
  concurrency: 'number',
}

const CELL_BYTES_MAX = 512 * 1024

/** One destination as it travels: fields of the wire by name. */
export type TransferRow = Record<string, unknown>

/** A head line, and a line per destination. Texts that a spreadsheet would run get an apostrophe before them. */
export function toCsv(rows: readonly TransferRow[]): string {
  const names = Object.keys(COLUMNS)
  const lines = rows.map((row) => {
    const flat = flatten(row)
    return csvLine(names.map((name) => toCell(flat[name])))
  })
  return csvLine(names) + lines.join('')
}

function flatten(row: TransferRow): TransferRow {
  const byStatus = (row.url_by_status ?? {}) as Record<string, string>
  return {
    ...row,
    ...Object.fromEntries(CONVERSION_STATUSES.map((status) => [`url_${status}`, byStatus[status]])),
  }
}

function toCell(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'string') return foreignText(value)
  if (Array.isArray(value)) return foreignText(toList(value.map((one) => String(one))))
  if (typeof value === 'object') return Object.keys(value).length === 0 ? '' : JSON.stringify(value)
  return String(value)
}

/** As JSON where an entry holds the sign that joins them. */
const toList = (entries: readonly string[]): string =>
  entries.some((entry) => entry.includes('|') || entry.startsWith('['))
    ? JSON.stringify(entries)
    : entries.join('|')

const readList = (text: string): unknown =>
  text.startsWith('[') ? parseJson(text) : text.split('|').map((one) => one.trim())

/**
 * The rows of a CSV, a row that can not be read as the AppError that says why. Empty cells are left out. Throws AppError
 * where it is no CSV with known columns, or has over 1,000 rows.
 */
export function readCsv(text: string): (TransferRow | AppError)[] {
  const [names = [], ...records] = parseRecords(text)
  const columns = withoutEmptyEnd(names.map((name) => name.trim()))
  assertColumns(columns)
  return records.map((cells) => readRecord(columns, cells))
}

function parseRecords(text: string): string[][] {
  try {
    return parse(text, {
      bom: true,
      delimiter: delimiterOf(text),
      relax_column_count: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
      max_record_size: CELL_BYTES_MAX,
      to: ROWS_MAX + 2,
    })
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    throw new AppError('malformed', {
      message: `The CSV can not be read (${error.code}${'lines' in error ? `, line ${error.lines}` : ''}).`,
      fix: 'Quote cells that hold commas, quotes or line breaks, and double the quotes inside.',
    })
  }
}

/** Spreadsheets of some countries write semicolons, and copy tabs; no column has one in its name. */
function delimiterOf(text: string): string {
  const [head = ''] = text.split(/[\r\n]/, 1)
  return [';', '\t'].find((delimiter) => head.includes(delimiter)) ?? ','
}

/** Spreadsheets write as many cells as their widest row ever had. */
const withoutEmptyEnd = (cells: readonly string[]): string[] =>
  cells.slice(0, cells.findLastIndex((cell) => cell.trim() !== '') + 1)

function assertColumns(columns: readonly string[]): void {
  const unknown = columns.find((name) => !Object.hasOwn(COLUMNS, name))
  if (unknown !== undefined)
    throw new AppError('unknown_field', {
      field: unknown.slice(0, 64),
      message: `There is no column "${unknown.slice(0, 64)}".`,
      fix: `Columns are ${Object.keys(COLUMNS).join(', ')}.`,
    })
  const twice = columns.find((name, at) => columns.indexOf(name) < at)
  if (twice !== undefined)
    throw new AppError('invalid_field', {
      field: twice,
      message: `The column ${twice} is there twice.`,
      fix: 'Keep one of them.',
    })
}

function readRecord(columns: readonly string[], cells: readonly string[]): TransferRow | AppError {
  if (withoutEmptyEnd(cells).length > columns.length)
    return new AppError('malformed', {
      message: 'The row has more cells than the head line.',
      fix: 'Quote cells that hold commas.',
    })
  const row: TransferRow = {}
  const byStatus: Record<string, string> = {}
  for (const [at, name] of columns.entries()) {
    const text = ownText(cells[at] ?? '')
    if (text === '') continue
    const status = CONVERSION_STATUSES.find((one) => name === `url_${one}`)
    if (status !== undefined) byStatus[status] = text
    else {
      const value = readCell(text, COLUMNS[name] ?? 'text')
      if (value === undefined)
        return new AppError('invalid_field', {
          field: name,
          message: `${name} can not be read.`,
          fix: WANTED[COLUMNS[name] ?? 'text'],
        })
      row[name] = value
    }
  }
  return Object.keys(byStatus).length === 0 ? row : { ...row, url_by_status: byStatus }
}

const WANTED: Readonly<Record<Cell, string>> = {
  text: 'Send a text.',
  list: 'Send texts joined by |, or a JSON list.',
  flag: 'Send true or false.',
  number: 'Send a whole number.',
  json: 'Send JSON.',
}

/** Undefined where the text is nothing of that kind. */
function readCell(text: string, cell: Cell): unknown {
  switch (cell) {
    case 'text':
      return text
    case 'list':
      return readList(text)
    case 'flag': {
      const word = text.trim().toLowerCase()
      return word === 'true' ? true : word === 'false' ? false : undefined
    }
    case 'number':
      return /^\d{1,9}$/.test(text.trim()) ? Number(text) : undefined
    case 'json':
      return parseJson(text)
  }
}

function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    assertPlain(value)
    return value ?? undefined
  } catch {
    return undefined
  }
}

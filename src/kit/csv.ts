/** One CSV line (RFC 4180), ended by CRLF. */
export const csvLine = (cells: readonly string[]): string => `${cells.map(toCell).join(',')}\r\n`

/**
 * A text of others as a cell: one that a spreadsheet would run as a formula gets an apostrophe before it. Not for our
 * own numbers, whose minus is meant.
 */
export const foreignText = (text: string): string => (/^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text)

const toCell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

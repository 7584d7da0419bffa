/** One CSV line (RFC 4180), ended by CRLF. */
export const csvLine = (cells: readonly string[]): string => `${cells.map(toCell).join(',')}\r\n`

const RUN_OR_QUOTED = /^'*[=+\-@\t\r\n]/

/**
 * A text of others as a cell: one that a spreadsheet would run as a formula gets an apostrophe before it, and so does one
 * that has it already, so that ownText finds both. Not for our own numbers, whose minus is meant.
 */
export const foreignText = (text: string): string => (RUN_OR_QUOTED.test(text) ? `'${text}` : text)

/** Takes back the apostrophe of foreignText. */
export const ownText = (text: string): string =>
  text.startsWith("'") && RUN_OR_QUOTED.test(text) ? text.slice(1) : text

const toCell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

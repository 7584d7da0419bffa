/** The same property of every row, as one array parameter for `unnest`. */
export const column = <Row, Value>(rows: readonly Row[], value: (row: Row) => Value): Value[] =>
  rows.map(value)

/** One array as the text of a PostgreSQL array, for arrays of arrays, which unnest would flatten. */
export const arrayLiteral = (values: readonly (string | null)[]): string =>
  `{${values.map((value) => (value === null ? 'NULL' : `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`)).join(',')}}`

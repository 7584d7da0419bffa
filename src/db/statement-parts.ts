import { arrayLiteral, type Cell } from './columns.ts'
import type { Statement } from './database.ts'

/** Some rows of one table, as a part of a statement. */
export type Part = { name: string; sql: string; casts: readonly string[]; columns: Cell[][]; rows: number }
/** `sql` reads its rows from `{rows}`, with columns c1, c2 ...; `casts` are the columns' types. */
export type PartShape = { name: string; sql: string; casts: readonly string[] }

/** The rows as one array per column, for `unnest`. */
export function part<Row>(shape: PartShape, rows: readonly Row[], values: (row: Row) => Cell[]): Part {
  const columns: Cell[][] = shape.casts.map(() => [])
  for (const row of rows) for (const [index, value] of values(row).entries()) columns[index]?.push(value)
  return { ...shape, columns, rows: rows.length }
}

/**
 * One statement out of all parts that have rows, or null. Statements of the same parts share one prepared statement,
 * named by the parts.
 */
export function assemble(all: readonly Part[]): Statement | null {
  const parts = all.filter((one) => one.rows > 0)
  if (parts.length === 0) return null
  const values: string[] = []
  const texts = parts.map((one) => {
    const arrays = one.columns.map(
      (column, index) => `$${values.push(arrayLiteral(column))}::${one.casts[index]}[]`,
    )
    const names = one.columns.map((_, index) => `c${index + 1}`)
    return one.sql.replace('{rows}', `unnest(${arrays.join(', ')}) i(${names.join(', ')})`)
  })
  const last = texts.pop() ?? ''
  const withParts = texts.map((text, index) => `p${index} as (${text})`).join(',\n')
  const text = texts.length === 0 ? last : `with ${withParts}\n${last}`
  return { name: `write_${parts.map((one) => one.name).join('')}`, text, values }
}

import type { Context } from '../context.ts'
import { AppError } from '../kit/app-error.ts'

/** What reading and writing the catalogue's rows touches. */
export type Needs = Pick<Context, 'db' | 'catalogue'>

/** A row that may be changed. Throws AppError `not_found`, or `archived` where it has to be restored first. */
export function assertOpen<Row extends { archived_at: Date | null }>(row: Row | null): Row {
  const found = assertFound(row)
  if (found.archived_at !== null) throw new AppError('archived')
  return found
}

export function assertFound<Row>(row: Row | null): Row {
  if (row === null) throw new AppError('not_found')
  return row
}

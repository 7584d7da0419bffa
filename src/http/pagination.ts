import { Type } from 'typebox'
import { AppError } from '../kit/app-error.ts'
import type { Uuid } from '../kit/ids.ts'
import { readSpan } from './read-span.ts'

const LIMIT_MAX = 500
const LIMIT_DEFAULT = 50

/** Query parameters of every list; spread into the route's own. */
export const PAGE_QUERY = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMIT_MAX, default: LIMIT_DEFAULT })),
  cursor: Type.Optional(Type.String({ maxLength: 100, description: 'next_cursor of the page before' })),
  from: Type.Optional(Type.String({ maxLength: 40, description: 'created at or after; RFC 3339' })),
  to: Type.Optional(Type.String({ maxLength: 40, description: 'created before; RFC 3339' })),
}

export type PageQuery = { limit?: number; cursor?: string; from?: string; to?: string }

/** A page of rows, newest first: those with an id below `before`. */
export type PageRequest = { limit: number; before: Uuid | null; from: Date | null; to: Date | null }

/** Throws AppError for a cursor or a time that can not be read. */
export function readPageRequest(query: PageQuery): PageRequest {
  return {
    limit: query.limit ?? LIMIT_DEFAULT,
    before: query.cursor === undefined ? null : readCursor(query.cursor),
    ...readSpan(query),
  }
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

function readCursor(cursor: string): Uuid {
  const id = Buffer.from(cursor, 'base64url').toString('latin1')
  if (UUID.test(id)) return id
  throw new AppError('invalid_field', {
    field: 'cursor',
    message: 'cursor is not one of ours.',
    fix: 'Send next_cursor of the page before, or leave it out for the first page.',
  })
}

/** Builds the answer from at most limit + 1 rows: the extra one only says that there is a next page. */
export function toPage<Row extends { id: Uuid }, Wire>(
  rows: readonly Row[],
  limit: number,
  toWire: (row: Row) => Wire,
): { data: Wire[]; next_cursor: string | null } {
  const shown = rows.slice(0, limit)
  const last = rows.length > limit ? shown.at(-1) : undefined
  return {
    data: shown.map(toWire),
    next_cursor: last === undefined ? null : Buffer.from(last.id, 'latin1').toString('base64url'),
  }
}

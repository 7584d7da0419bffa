import type { PageRequest } from '../http/pagination.ts'

/** A page of a catalogue table: newest first, archived rows only where asked for. */
export type CataloguePage = PageRequest & { archived: boolean }

/** Condition, order and limit of such a page; further conditions use $6 and on. Rows: limit + 1, see toPage. */
export const pageClause = (more = ''): string =>
  `where ($1::uuid is null or t.id < $1) and ($2::timestamptz is null or t.created_at >= $2)
    and ($3::timestamptz is null or t.created_at < $3) and ($4 or t.archived_at is null) ${more}
  order by t.id desc limit $5`

export const pageValues = (page: CataloguePage): unknown[] => [
  page.before,
  page.from,
  page.to,
  page.archived,
  page.limit + 1,
]

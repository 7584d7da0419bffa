import { lowestUuid, type Uuid } from '../kit/ids.ts'

/** Conditions of a where clause with their values, for lists whose filters vary. Texts are constants of the program. */
export type Conditions = {
  /** Adds `and <sql>`; each `?` takes the next value. */
  add(sql: string, ...values: unknown[]): void
  /** The placeholder of one more value. */
  bind(value: unknown): string
  /** All conditions; `true` without any. */
  readonly sql: string
  readonly values: unknown[]
}

export function createConditions(): Conditions {
  const parts: string[] = []
  const values: unknown[] = []
  const bind = (value: unknown): string => `$${values.push(value)}`
  return {
    bind,
    add(sql, ...added) {
      const rest = [...added]
      parts.push(sql.replace(/\?/g, () => bind(rest.shift())))
    },
    get sql() {
      return parts.length === 0 ? 'true' : parts.map((part) => `(${part})`).join(' and ')
    },
    values,
  }
}

/** Rows below the cursor and made in [from, to), by the time that their UUIDv7 carries. `column` holds the id. */
export function addIdRange(
  where: Conditions,
  column: string,
  { before = null, from, to }: { before?: Uuid | null; from: Date | null; to: Date | null },
): void {
  if (before !== null) where.add(`${column} < ?`, before)
  if (from !== null) where.add(`${column} >= ?`, lowestUuid(from.getTime()))
  if (to !== null) where.add(`${column} < ?`, lowestUuid(to.getTime()))
}

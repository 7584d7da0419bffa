import type { Database, DbPool } from '../../src/db/database.ts'

export type CutDatabase = Database & {
  /** From here on every statement fails as if Postgres were unreachable. */
  cut(): void
  restore(): void
  /** Runs before every transaction of the results pool. */
  beforeResults: () => Promise<void>
}

/** The database as one process sees it that can be cut off from it, while others go on. */
export function createCutDatabase(db: Database): CutDatabase {
  let isCut = false
  const check = (): void => {
    if (isCut) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  }
  const wrap = (pool: DbPool, before: () => Promise<void>): DbPool => ({
    async query(statement) {
      check()
      return pool.query(statement)
    },
    async connect() {
      await before()
      check()
      return pool.connect()
    },
  })
  const nothing = async (): Promise<void> => undefined
  const cut: CutDatabase = {
    intake: wrap(db.intake, nothing),
    results: wrap(db.results, () => cut.beforeResults()),
    reads: wrap(db.reads, nothing),
    close: nothing,
    beforeResults: nothing,
    cut() {
      isCut = true
    },
    restore() {
      isCut = false
    },
  }
  return cut
}

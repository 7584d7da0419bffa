import type { Database, DbPool } from '../../src/db/database.ts'

export type CutDatabase = Database & {
  /** From here on every statement fails as if Postgres were unreachable. */
  cut(): void
  restore(): void
  /** Runs before every transaction of the results pool. */
  beforeResults: () => Promise<void>
  /** So many commits of the results pool are done without their answer arriving. */
  commitsWithoutAnswer: number
}

/** The database as one process sees it that can be cut off from it, while others go on. */
export function createCutDatabase(db: Database): CutDatabase {
  let isCut = false
  const check = (): void => {
    if (isCut) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  }
  const lost = (): Error => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
  const wrap = (pool: DbPool, before: () => Promise<void>): DbPool => ({
    async query(statement) {
      check()
      return pool.query(statement)
    },
    async connect() {
      await before()
      check()
      const client = await pool.connect()
      if (pool !== db.results || cut.commitsWithoutAnswer === 0) return client
      return new Proxy(client, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name)
          if (name !== 'query') return typeof value === 'function' ? value.bind(target) : value
          return async (statement: string) => {
            const result = await target.query(statement)
            if (statement !== 'commit') return result
            cut.commitsWithoutAnswer--
            throw lost()
          }
        },
      })
    },
  })
  const nothing = async (): Promise<void> => undefined
  const cut: CutDatabase = {
    intake: wrap(db.intake, nothing),
    results: wrap(db.results, () => cut.beforeResults()),
    reads: wrap(db.reads, nothing),
    catalogue: wrap(db.catalogue, nothing),
    close: nothing,
    beforeResults: nothing,
    commitsWithoutAnswer: 0,
    cut() {
      isCut = true
    },
    restore() {
      isCut = false
    },
  }
  return cut
}

import pg from 'pg'
import type { Logger } from 'pino'
import { withServerOptions } from './server-options.ts'

/** A statement with its values; `name` makes it a prepared statement. */
export type Statement = { name?: string; text: string; values?: unknown[] }

/** Anything that runs a statement. Functions that must be inside a transaction take Tx instead. */
export type Db = { query<Row extends pg.QueryResultRow>(statement: Statement): Promise<pg.QueryResult<Row>> }

declare const insideTransaction: unique symbol
/** A connection with an open transaction; only withTx makes one. Statements sent together are done in that order. */
export type Tx = Db & {
  [insideTransaction]: true
  /**
   * The commit is sent behind this work without waiting for its answer; where it fails nothing is committed. All of its
   * statements must have been sent when fn returns.
   */
  withCommit(work: Promise<unknown>): void
}

/** A pool of connections; `withTx` is how transactions are run on it. */
export type DbPool = Db & { connect(): Promise<pg.PoolClient> }

/** One pool per kind of work, so that a flood of one can not starve the others. Sizes: docs/scaling.md. */
export type Database = {
  intake: DbPool
  results: DbPool
  reads: DbPool
  /**
   * What calls wait for before anything else, while reports may hold all of `reads`: who has a key, and how new the catalogue
   * is. Two connections, so that a large change of the catalogue leaves one.
   */
  catalogue: DbPool
  close(): Promise<void>
}

const RETRYABLE = new Set(['40P01', '40001'])
const TRIES_MAX = 10

/**
 * Runs fn in one transaction and commits. Deadlocks and serialisation failures run the whole of fn again,
 * so fn must not have effects outside of the transaction. Any other error rolls back and is thrown.
 */
export async function withTx<T>(pool: DbPool, fn: (tx: Tx) => Promise<T>, begin = 'begin'): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await runOnce(pool, fn, begin)
    } catch (error) {
      if (tries >= TRIES_MAX || !RETRYABLE.has(sqlState(error) ?? '')) throw error
    }
  }
}

async function runOnce<T>(pool: DbPool, fn: (tx: Tx) => Promise<T>, begin: string): Promise<T> {
  const client = await pool.connect()
  const unanswered: Promise<unknown>[] = []
  let broken: Error | undefined
  // Whatever is sent behind a failure fails for that alone, so the failure is what is thrown.
  let failure: unknown
  const withCommit = (work: Promise<unknown>): void => {
    unanswered.push(work)
    work.catch((error: unknown) => {
      failure ??= error
    })
  }
  try {
    // The first statements travel with it.
    withCommit(client.query(begin))
    const query = (statement: Statement): Promise<unknown> =>
      failure === undefined ? client.query(statement) : Promise.reject(failure)
    const result = await fn({ query, withCommit } as unknown as Tx)
    if (failure !== undefined) throw failure
    await Promise.all([...unanswered, client.query('commit')])
    return result
  } catch (error) {
    await client.query('rollback').catch((cause: Error) => {
      broken = cause
    })
    const cause = failure ?? error
    // A pool would keep a connection to a server that was the primary before a failover.
    if (isReadOnly(cause)) broken ??= cause
    throw cause
  } finally {
    client.release(broken)
  }
}

/** The five characters that PostgreSQL gives an error, or null for errors that are not its own, like EPIPE of a socket. */
export function sqlState(error: unknown): string | null {
  const code = error instanceof Error && 'code' in error ? error.code : null
  return typeof code === 'string' && /^(?=.*\d)[0-9A-Z]{5}$/.test(code) ? code : null
}

/** True where Postgres refuses a value of the statement (SQLSTATE 22, 23, 54): it will be refused again. */
export const isRefusedValue = (error: unknown): boolean =>
  /^(22|23|54)/.test(sqlState(error) ?? '') && !isPartitionMissing(error)

/** True where an upsert met one row twice (cardinality_violation). */
export const isSameRowTwice = (error: unknown): boolean => sqlState(error) === '21000'

/** The same code as a failed check, but of no constraint: the row is good, its partition is not made yet. */
const isPartitionMissing = (error: unknown): boolean =>
  sqlState(error) === '23514' && error instanceof Error && 'constraint' in error && !error.constraint

/** A standby, or a server that its provider lets only read because its disk is full. */
const isReadOnly = (error: unknown): error is Error => sqlState(error) === '25006'

/**
 * True where the statement was not done and Postgres may be back later: connection trouble, a password that is being changed
 * (28), a database that is being restored (3D000), 53 (resources), 57 (shutting down), 58 (its disk), a server that only
 * reads, a transaction that it ended while this process was frozen (25P03).
 */
export function isUnavailable(error: unknown): boolean {
  if (isPartitionMissing(error)) return true
  const state = sqlState(error)
  if (state !== null) return /^(08|28|53|57|58|3D000|25006|25P03)/.test(state)
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const message = error instanceof Error ? error.message : ''
  return (
    /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOST|ENET|ERR_STREAM_)/.test(code) ||
    /connection|Connection|timeout/.test(message)
  )
}

// Index scans whatever the statistics say: these plans are cached on the connection, and they may have been made when
// the tables were empty. Always cached: a plan for just these values looks cheaper where they are few, but making it took
// up to 1 ms of each small flush, ten times what running it did.
const HOT_PATH =
  ' -c synchronous_commit=on -c enable_hashjoin=off -c enable_mergejoin=off -c enable_seqscan=off' +
  ' -c plan_cache_mode=force_generic_plan'

type PoolSizes = { intake: number; results: number; reads: number }

/** Opens the pools lazily: nothing connects before the first statement. */
export function openDatabase(options: {
  connectionString: string
  log: Logger
  sizes?: Partial<PoolSizes>
  applicationName: string
}): Database {
  const sizes = { intake: 4, results: 4, reads: 4, ...options.sizes }
  let closing = false
  const open = (max: number, statementTimeoutMs: number, settings = ''): pg.Pool => {
    const pool = new pg.Pool({
      ...withServerOptions(
        options.connectionString,
        `-c statement_timeout=${statementTimeoutMs} -c idle_in_transaction_session_timeout=10000 -c timezone=UTC${settings}`,
      ),
      application_name: options.applicationName,
      max,
      // On a socket whose other end is gone the server's timeout never arrives.
      query_timeout: statementTimeoutMs + 2000,
      connectionTimeoutMillis: 5000,
      keepAlive: true,
      pipeline: true,
    })
    // Without listeners a connection that breaks while idle, or in use between two statements, would end the process.
    pool.on('connect', (client) =>
      client.on('error', (err) => options.log.debug({ err }, 'database connection lost')),
    )
    // A closed pool's connections end a little later than close() says, maybe with their server.
    pool.on('error', (err) => options.log[closing ? 'debug' : 'warn']({ err }, 'database connection lost'))
    return pool
  }
  const pools = {
    intake: open(sizes.intake, 5000, HOT_PATH),
    results: open(sizes.results, 15_000, HOT_PATH),
    reads: open(sizes.reads, 15_000),
    catalogue: open(2, 15_000),
  }
  return {
    ...(pools as unknown as Omit<Database, 'close'>),
    close: async () => {
      closing = true
      await Promise.all(Object.values(pools).map((pool) => pool.end()))
    },
  }
}

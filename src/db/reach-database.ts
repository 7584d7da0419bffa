import pg from 'pg'
import { toError } from '../kit/app-error.ts'
import { StartError } from '../kit/start-error.ts'
import { sqlState } from './database.ts'
import { withServerOptions } from './server-options.ts'

const VERSION_MIN = 140_000

/** Connects once to the server of DATABASE_URL. Throws StartError where that does not work or the server is too old. */
export async function reachDatabase(databaseUrl: string): Promise<void> {
  const where = describe(databaseUrl)
  const client = createClient(databaseUrl)
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query<{ version: string; number: number; read_only: boolean }>(
      `select current_setting('server_version') as version, current_setting('server_version_num')::int as number,
        current_setting('transaction_read_only')::boolean as read_only`,
    )
    const [server] = rows
    if (server !== undefined && server.number < VERSION_MIN)
      throw new StartError(
        `DATABASE_URL: the PostgreSQL at ${where} is ${server.version}; PostgreSQL 14 or newer is needed.`,
      )
    if (server?.read_only)
      throw new StartError(
        `DATABASE_URL: the PostgreSQL at ${where} only reads: name the primary server, or turn its default_transaction_read_only off.`,
      )
  } catch (error) {
    throw error instanceof StartError ? error : new StartError(explain(where, toError(error)), error)
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** Reads the certificates that the URL names. Throws StartError. */
function createClient(databaseUrl: string): pg.Client {
  try {
    return new pg.Client({
      // What every pool asks for too; a pooler in transaction mode refuses it.
      ...withServerOptions(databaseUrl, '-c timezone=UTC'),
      connectionTimeoutMillis: 5000,
    })
  } catch (error) {
    throw new StartError(
      `DATABASE_URL can not be used (${toError(error).message}): correct it, or the files that it names.`,
      error,
    )
  }
}

/** Host, port and database: what a person needs to find the mistake, without the password. */
function describe(databaseUrl: string): string {
  const url = new URL(databaseUrl)
  return `${url.hostname || 'localhost'}:${url.port || 5432}${url.pathname}`
}

function explain(where: string, error: Error): string {
  const said = error instanceof AggregateError ? toError(error.errors[0]).message : error.message
  if (/startup parameter/.test(said))
    return `DATABASE_URL leads to a connection pooler at ${where} that does not keep sessions (${said}): use PostgreSQL's own port, or a pooler in session mode.`
  const fix = FIXES[sqlState(error) ?? ''] ?? 'start that PostgreSQL, or correct the address'
  return `DATABASE_URL: PostgreSQL at ${where} can not be used (${said}): ${fix}.`
}

const FIXES: Readonly<Record<string, string>> = {
  '28P01': 'correct user and password',
  '28000': 'correct user and password, or allow this user in pg_hba.conf',
  '3D000': 'create that database, or correct its name',
  '53300': 'raise its max_connections, or close other connections',
  '42501': 'give this user the right to connect',
}

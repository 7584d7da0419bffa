import type { ChildProcess } from 'node:child_process'
import type { Logger } from 'pino'
import type { Config } from '../config/schema.ts'
import { ensureAdminKey } from './accounts/create-api-key.ts'
import { boot } from './boot.ts'
import type { Context } from './context.ts'
import { startEmbeddedPostgres } from './db/embedded-postgres.ts'
import { prepareDatabase } from './db/prepare-database.ts'
import { startWorker } from './dispatch/start-worker.ts'
import { readOrMakeSecretsKey } from './secrets-key.ts'
import { type Api, startApi } from './start-api.ts'
import { startWorkerPool, type WorkerPool } from './worker-pool.ts'

export type Relay = { close(): Promise<void> }

type Options = {
  config: Config
  log: Logger
  /** Starts a worker process with these settings on top of ours. */
  fork(settings: Record<string, string>): ChildProcess
  /** Shows a line to the person at the terminal. */
  say(line: string): void
}

const POSTGRES_STOP_MS = 1000
const POOL_RESERVE_MS = 2000

/** Runs what ROLE says in this process and its workers. Throws StartError; what was started by then is closed. */
export async function startRelay(options: Options): Promise<Relay> {
  const closers: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    for (const closeOne of closers.splice(0).reverse()) await closeOne()
  }
  try {
    await startParts(options, closers)
    return { close }
  } catch (error) {
    await close()
    throw error
  }
}

async function startParts(options: Options, closers: (() => Promise<void>)[]): Promise<void> {
  const { config, log } = options
  const databaseUrl = config.databaseUrl ?? (await startOwnPostgres(options, closers))
  await prepareDatabase(databaseUrl, { mayMigrate: config.role === 'all', log })
  const secretsKey = await readOrMakeSecretsKey(config)
  const { ctx, close } = await boot({ config, log, databaseUrl, secretsKey })
  closers.push(close)
  if (config.role === 'worker') {
    closers.push(startWorker(ctx).close)
    return
  }
  const api = await startServing(ctx, options)
  const settings = { DATABASE_URL: databaseUrl, SECRETS_KEY: secretsKey }
  const pool = config.role === 'all' ? startPool(options, settings) : null
  // At once: nothing more is accepted while workers finish what they have.
  closers.push(async () => {
    await Promise.all([api.close(), pool?.close(config.shutdownGraceMs - POOL_RESERVE_MS)])
  })
}

async function startOwnPostgres({ config, log }: Options, closers: (() => Promise<void>)[]): Promise<string> {
  const postgres = await startEmbeddedPostgres({ dataDir: config.dataDir, log })
  closers.push(() => postgres.stop(POSTGRES_STOP_MS))
  return postgres.connectionString
}

async function startServing(ctx: Context, { config, say }: Options): Promise<Api> {
  const key = config.adminKey === null ? await ensureAdminKey(ctx) : null
  if (key !== null) say(`Admin key, shown only this once: ${key}`)
  const api = await startApi(ctx)
  say(`The relay listens on ${api.address} (documentation: ${api.address}/docs)`)
  return api
}

const startPool = ({ config, log, fork }: Options, settings: Record<string, string>): WorkerPool =>
  startWorkerPool({
    count: config.workerProcesses,
    fork: () => fork({ ...settings, ROLE: 'worker' }),
    log,
  })

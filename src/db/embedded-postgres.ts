import { randomBytes } from 'node:crypto'
import { closeSync, openSync } from 'node:fs'
import { chown, mkdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { Logger } from 'pino'
import { lockDataDir } from './data-dir-lock.ts'
import { sqlState } from './database.ts'
import { findPostgresBinaries } from './postgres-binaries.ts'
import { choosePostgresIdentity, type PostgresIdentity } from './postgres-identity.ts'
import { findPostmaster, type Postmaster, stopPostmaster, toPostmaster } from './postmaster.ts'

/** PostgreSQL from npm, run by the relay itself in DATA_DIR/postgres. */
export type EmbeddedPostgres = {
  connectionString: string
  /** Fast shutdown, cut off after graceMs. May be called twice. */
  stop(graceMs: number): Promise<void>
}

type Options = {
  dataDir: string
  log: Logger
  /** Server settings on top of the defaults. */
  settings?: Record<string, string>
}

const USER = 'relay'
const DATABASE = 'relay'
const LOG_BYTES_MAX = 10 * 1024 * 1024
const START_TRIES_MAX = 5

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '100',
  shared_buffers: '256MB',
  synchronous_commit: 'on',
  wal_compression: 'on',
  jit: 'off',
  autovacuum_naptime: '15s',
  timezone: 'UTC',
  log_timezone: 'UTC',
}

/**
 * Starts PostgreSQL, or takes over the one that a killed relay left running. A server that dies is started again on
 * the same port. Throws an Error with one line for a person (folder in use, disk full ...).
 */
export async function startEmbeddedPostgres(options: Options): Promise<EmbeddedPostgres> {
  await mkdir(options.dataDir, { recursive: true })
  const lock = await lockDataDir(options.dataDir)
  try {
    const cluster = await openCluster(options)
    const first = (await adopt(cluster)) ?? (await start(cluster))
    await makeDatabase(cluster, first.port)
    return supervise(cluster, first, lock.release)
  } catch (error) {
    await lock.release()
    throw error
  }
}

type Cluster = Options & { dir: string; logFile: string; password: string; identity: PostgresIdentity }

async function openCluster(options: Options): Promise<Cluster> {
  const { dataDir } = options
  const identity = await choosePostgresIdentity(await findPostgresBinaries(), dataDir)
  const cluster = {
    ...options,
    dir: join(dataDir, 'postgres'),
    logFile: join(dataDir, 'postgres.log'),
    password: await readOrMakePassword(dataDir),
    identity,
  }
  await trimLog(cluster.logFile)
  if ((await stat(join(cluster.dir, 'PG_VERSION')).catch(() => null)) === null) await makeCluster(cluster)
  return cluster
}

async function readOrMakePassword(dataDir: string): Promise<string> {
  const file = join(dataDir, 'postgres-password')
  const stored = await readFile(file, 'utf8').catch(() => null)
  if (stored !== null && stored !== '') return stored
  if ((await stat(join(dataDir, 'postgres')).catch(() => null)) !== null)
    throw new Error(`${file} is missing, but its database is there: restore the file from a backup.`)
  const password = randomBytes(24).toString('base64url')
  await writeFile(file, password, { mode: 0o600 })
  return password
}

async function trimLog(file: string): Promise<void> {
  const found = await stat(file).catch(() => null)
  if (found !== null && found.size > LOG_BYTES_MAX) await truncate(file)
}

/** initdb works in a folder of its own, renamed at its end: one that was cut off is thrown away and made again. */
async function makeCluster(cluster: Cluster): Promise<void> {
  const unfinished = `${cluster.dir}.unfinished`
  const passwordFile = `${unfinished}.password`
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(unfinished, { mode: 0o700 })
  await writeFile(passwordFile, cluster.password, { mode: 0o600 })
  const { owner } = cluster.identity
  if (owner !== null)
    await Promise.all([unfinished, passwordFile].map((path) => chown(path, owner.uid, owner.gid)))
  try {
    await runInitdb(cluster, unfinished, passwordFile)
  } finally {
    await rm(passwordFile, { force: true })
  }
  await rename(unfinished, cluster.dir)
}

async function runInitdb(cluster: Cluster, dir: string, passwordFile: string): Promise<void> {
  const child = cluster.identity.spawn(
    cluster.identity.binaries.initdb,
    [
      ...['-D', dir, '-U', USER, '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '-E', 'UTF8'],
      ...['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'], cwd: '/', env: { LC_ALL: 'C' } },
  )
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) throw failure('could not make its files', said, cluster.dataDir)
}

async function adopt(cluster: Cluster): Promise<Postmaster | null> {
  const found = await findPostmaster(cluster.dir)
  if (found === null) return null
  try {
    await untilReady(cluster, found)
    cluster.log.info({ pid: found.pid }, 'took over the PostgreSQL that was left running')
    return found
  } catch {
    await stopPostmaster(found, 5000)
    await findPostmaster(cluster.dir)
    return null
  }
}

async function start(cluster: Cluster, wantedPort?: number): Promise<Postmaster> {
  for (let tries = 1; ; tries++) {
    const said = await stat(cluster.logFile).catch(() => ({ size: 0 }))
    const postmaster = launch(cluster, wantedPort ?? (await freePort()))
    try {
      await untilReady(cluster, postmaster)
      return postmaster
    } catch (cause) {
      const lines = (await readFile(cluster.logFile, 'utf8').catch(() => '')).slice(said.size)
      // Both pass by themselves: processes of a killed server end within seconds, and another port is taken.
      const passes = /still in use|Address already in use|lock file "postmaster.pid"/.test(lines)
      if (!passes || tries >= START_TRIES_MAX) throw failure('does not start', lines, cluster.dataDir, cause)
      await delay(500 * tries)
    }
  }
}

function launch(cluster: Cluster, port: number): Postmaster {
  const settings = { ...SETTINGS, ...cluster.settings, port: String(port) }
  const output = openSync(cluster.logFile, 'a', 0o600)
  const child = cluster.identity.spawn(
    cluster.identity.binaries.postgres,
    ['-D', cluster.dir, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    // Its own session: Ctrl-C in a terminal must not stop it before the relay is done with it.
    { stdio: ['ignore', output, output], detached: true, cwd: '/', env: { LC_ALL: 'C' } },
  )
  closeSync(output)
  child.unref()
  return toPostmaster(child, port)
}

/** Waits through recovery. Throws where the server ends or does not let us in. */
async function untilReady(cluster: Cluster, postmaster: Postmaster): Promise<void> {
  let gone = false
  postmaster.exited.then(() => {
    gone = true
  })
  const saidAt = performance.now()
  let saidLines = 0
  while (!gone) {
    const problem = await tryConnect(toUrl(cluster.password, postmaster.port, 'postgres'))
    if (problem === null) return
    const state = sqlState(problem)
    if (state !== null && state !== '57P03') throw problem
    if (performance.now() - saidAt > 10_000 * (saidLines + 1)) {
      saidLines++
      cluster.log.info('PostgreSQL recovers what a crash left; waiting for it')
    }
    await delay(30)
  }
  throw new Error('PostgreSQL ended while it started')
}

async function tryConnect(connectionString: string): Promise<Error | null> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 5000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return null
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  } finally {
    await client.end().catch(() => undefined)
  }
}

async function makeDatabase(cluster: Cluster, port: number): Promise<void> {
  const client = new pg.Client({ connectionString: toUrl(cluster.password, port, 'postgres') })
  await client.connect()
  try {
    const found = await client.query('select from pg_database where datname = $1', [DATABASE])
    if (found.rowCount === 0) await client.query(`create database ${DATABASE}`)
  } finally {
    await client.end()
  }
}

const toUrl = (password: string, port: number, database: string): string =>
  `postgresql://${USER}:${password}@127.0.0.1:${port}/${database}`

function supervise(cluster: Cluster, first: Postmaster, release: () => Promise<void>): EmbeddedPostgres {
  let current = first
  let stopping: Promise<void> | null = null
  const watch = async (): Promise<void> => {
    for (;;) {
      await current.exited
      if (stopping !== null) return
      cluster.log.error('PostgreSQL ended; starting it again')
      try {
        current = await start(cluster, first.port)
      } catch (err) {
        cluster.log.error({ err }, 'PostgreSQL does not start again')
        await delay(1000)
      }
    }
  }
  watch()
  return {
    connectionString: toUrl(cluster.password, first.port, DATABASE),
    stop: (graceMs) => {
      stopping ??= stopPostmaster(current, graceMs).then(release)
      return stopping
    },
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

function failure(what: string, said: string, dataDir: string, cause?: unknown): Error {
  const line =
    /(?:FATAL|PANIC|error): +(.*)/.exec(said)?.[1] ??
    (cause instanceof Error ? cause.message : 'no reason given')
  const fix = /No space left/.test(said) ? 'free space on its disk' : `see ${join(dataDir, 'postgres.log')}`
  return new Error(
    `The embedded PostgreSQL in ${dataDir} ${what}: ${line}. Fix: ${fix}, or set DATABASE_URL.`,
    {
      cause,
    },
  )
}

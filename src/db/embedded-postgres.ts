import { mkdir, realpath } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { Logger } from 'pino'
import { lockDataDir } from './data-dir-lock.ts'
import { clusterUrl, launchPostgres, untilReady } from './launch-postgres.ts'
import { type Cluster, openCluster } from './postgres-cluster.ts'
import { findPostmaster, type Postmaster, stopPostmaster } from './postmaster.ts'
import { dataDirFailure } from './start-failure.ts'

/** PostgreSQL from npm, run by the relay itself in DATA_DIR/postgres. */
export type EmbeddedPostgres = {
  connectionString: string
  /** Fast shutdown, cut off after graceMs: the next start then recovers. May be called twice. */
  stop(graceMs: number): Promise<void>
}

type Options = {
  dataDir: string
  log: Logger
  /** Server settings on top of the defaults. */
  settings?: Readonly<Record<string, string>>
}

const DATABASE = 'relay'
const ADOPTED_SILENT_MS_MAX = 5000

/**
 * Starts PostgreSQL, or takes over the one that a killed relay left running. A server that dies is started again on
 * the same port. Throws StartError (folder in use, disk full ...).
 */
export async function startEmbeddedPostgres(options: Options): Promise<EmbeddedPostgres> {
  try {
    await mkdir(options.dataDir, { recursive: true })
    return await startIn(await realpath(options.dataDir), options)
  } catch (error) {
    throw dataDirFailure(options.dataDir, error)
  }
}

async function startIn(dataDir: string, { log, settings = {} }: Options): Promise<EmbeddedPostgres> {
  const lock = await lockDataDir(dataDir)
  try {
    const cluster = await openCluster({ dataDir, log, settings })
    const first = (await adopt(cluster)) ?? (await launchPostgres(cluster))
    await makeDatabase(clusterUrl(cluster, first.port, 'postgres'))
    return supervise(cluster, first, lock.release)
  } catch (error) {
    await lock.release()
    throw error
  }
}

async function adopt(cluster: Cluster): Promise<Postmaster | null> {
  const found = await findPostmaster(cluster.dir)
  if (found === null) return null
  try {
    await untilReady(cluster, found, ADOPTED_SILENT_MS_MAX)
    cluster.log.info({ pid: found.pid }, 'took over the PostgreSQL that was left running')
    return found
  } catch (err) {
    cluster.log.warn(
      { err, pid: found.pid },
      'the PostgreSQL that was left running does not answer; stopping it',
    )
    await stopPostmaster(found, 2000)
    // Removes the file that a killed one leaves.
    await findPostmaster(cluster.dir)
    return null
  }
}

async function makeDatabase(connectionString: string): Promise<void> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    const found = await client.query('select from pg_database where datname = $1', [DATABASE])
    if (found.rowCount === 0) await client.query(`create database ${DATABASE}`)
  } finally {
    await client.end()
  }
}

function supervise(cluster: Cluster, first: Postmaster, release: () => Promise<void>): EmbeddedPostgres {
  let current = first
  let restarting = Promise.resolve()
  let stopping: Promise<void> | null = null
  const restart = async (): Promise<void> => {
    cluster.log.error('PostgreSQL ended; starting it again')
    try {
      await findPostmaster(cluster.dir)
      current = await launchPostgres(cluster, first.port)
    } catch (err) {
      cluster.log.error({ err }, 'PostgreSQL does not start again')
      await delay(1000)
    }
  }
  const watch = async (): Promise<void> => {
    for (;;) {
      await current.exited
      if (stopping !== null) return
      restarting = restart()
      await restarting
    }
  }
  const stop = async (graceMs: number): Promise<void> => {
    await restarting
    await stopPostmaster(current, graceMs)
    await release()
  }
  watch()
  return {
    connectionString: clusterUrl(cluster, first.port, DATABASE),
    stop: (graceMs) => {
      stopping ??= stop(graceMs)
      return stopping
    },
  }
}

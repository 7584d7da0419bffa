import { closeSync, openSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { toError } from '../kit/app-error.ts'
import { sqlState } from './database.ts'
import { CLUSTER_USER, type Cluster } from './postgres-cluster.ts'
import { type Postmaster, toPostmaster } from './postmaster.ts'
import { startFailure } from './start-failure.ts'

const START_TRIES_MAX = 5
const SILENT_MS_MAX = 30_000
const RECOVERING = '57P03'

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '100',
  shared_buffers: '256MB',
  synchronous_commit: 'on',
  wal_compression: 'on',
  jit: 'off',
  autovacuum_naptime: '15s',
  // A young table doubles in seconds: counting each anew at every tenth took a sixth of a core and pushed the slowest
  // hundredth of accepts from 40 to 68 ms (1,050 a second).
  autovacuum_analyze_threshold: '20000',
  autovacuum_analyze_scale_factor: '0.5',
  timezone: 'UTC',
  log_timezone: 'UTC',
}

/**
 * Starts the server on the wanted or a free port and waits until it answers. Throws StartError; reasons that pass by
 * themselves are waited for.
 */
export async function launchPostgres(cluster: Cluster, wantedPort?: number): Promise<Postmaster> {
  for (let tries = 1; ; tries++) {
    const before = await stat(cluster.logFile).catch(() => ({ size: 0 }))
    const postmaster = launch(cluster, wantedPort ?? (await freePort()))
    try {
      await untilReady(cluster, postmaster)
      return postmaster
    } catch (cause) {
      const log = await readFile(cluster.logFile).catch(() => Buffer.alloc(0))
      const said = log.subarray(before.size).toString('utf8')
      // Processes of a killed server end within seconds; a port that was taken meanwhile is replaced.
      const passes = /still in use|Address already in use|lock file "postmaster.pid"/.test(said)
      if (!passes || tries >= START_TRIES_MAX) throw startFailure(cluster.dataDir, said, cause)
      await delay(500 * tries)
    }
  }
}

function launch(cluster: Cluster, port: number): Postmaster {
  const { binaries, spawn } = cluster.identity
  const settings = Object.entries({ ...SETTINGS, ...cluster.settings, port: String(port) })
  const output = openSync(cluster.logFile, 'a', 0o600)
  const child = spawn(
    binaries.postgres,
    ['-D', cluster.dir, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    // Its own session: Ctrl-C in a terminal must not stop it before the relay is done with it.
    { stdio: ['ignore', output, output], detached: true },
  )
  closeSync(output)
  child.unref()
  return toPostmaster(child, port)
}

/** Waits through recovery, however long. Throws where the server ends, does not let us in, or says nothing. */
export async function untilReady(
  cluster: Cluster,
  postmaster: Postmaster,
  silentMsMax = SILENT_MS_MAX,
): Promise<void> {
  let gone = false
  postmaster.exited.then(() => {
    gone = true
  })
  let silentSince = performance.now()
  let saidAt = silentSince
  while (!gone) {
    const problem = await tryConnect(clusterUrl(cluster, postmaster.port, 'postgres'))
    if (problem === null) return
    const state = sqlState(problem)
    const now = performance.now()
    if (state === RECOVERING) silentSince = now
    else if (state !== null || now - silentSince > silentMsMax) throw problem
    if (now - saidAt > 10_000) {
      saidAt = now
      cluster.log.info('PostgreSQL recovers what a crash left; waiting for it')
    }
    await delay(30)
  }
  throw new Error('it ended while it started')
}

async function tryConnect(connectionString: string): Promise<Error | null> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 5000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return null
  } catch (error) {
    return toError(error)
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** The connection string of one of the cluster's databases. */
export const clusterUrl = (cluster: Cluster, port: number, database: string): string =>
  `postgresql://${CLUSTER_USER}:${cluster.password}@127.0.0.1:${port}/${database}`

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

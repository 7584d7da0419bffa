import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import type { Logger } from 'pino'
import { clusterUrl, launchPostgres } from '../../src/db/launch-postgres.ts'
import { openCluster } from '../../src/db/postgres-cluster.ts'
import { findPostmaster, stopPostmaster } from '../../src/db/postmaster.ts'
import { prepareDatabase } from '../../src/db/prepare-database.ts'
import { eventually } from '../support/eventually.ts'
import { listTree } from '../support/relay-process.ts'
import { killQuietly } from './signals.ts'

const run = promisify(execFile)
const DATABASE = 'relay'

/** The suite's own PostgreSQL, which it kills, drops connections of, and takes the disk from. */
export type PostgresServer = {
  port: number
  connectionString: string
  /** SIGKILL to the server and all of its backends. */
  kill(): Promise<void>
  /** Starts it again where it is not running, and waits through recovery. */
  start(): Promise<void>
  /** One statement on a connection of its own. */
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>
  /** Null where its files are not on a disk of their own, which needs root. */
  disk: { fill(): Promise<void>; free(): Promise<void> } | null
  /** For good: a later start() is refused. */
  stop(): Promise<void>
}

/** `diskMb`: its files lie on a tmpfs of that size, if we are root. */
export async function startPostgresServer(options: {
  dir: string
  diskMb: number | null
  log: Logger
}): Promise<PostgresServer> {
  const { dir, log } = options
  await mkdir(dir, { recursive: true })
  const disk = options.diskMb === null ? null : await mountDisk(dir, options.diskMb)
  const cluster = await openCluster({ dataDir: dir, log, settings: { max_wal_size: '512MB' } })
  let postmaster = await launchPostgres(cluster)
  const { port } = postmaster
  let starting = Promise.resolve(postmaster)
  let stopped = false
  const admin = clusterUrl(cluster, port, 'postgres')
  await withClient(admin, (client) => client.query(`create database ${DATABASE}`))
  const connectionString = clusterUrl(cluster, port, DATABASE)
  await prepareDatabase(connectionString, { mayMigrate: true, log })
  return {
    port,
    connectionString,
    disk,
    async kill() {
      for (const { pid } of await listTree(postmaster.pid)) killQuietly(pid)
      await postmaster.exited
    },
    async start() {
      if (stopped) throw new Error('PostgreSQL is stopped for good')
      const before = postmaster
      starting = findPostmaster(cluster.dir).then((found) => found ?? launchPostgres(cluster, port))
      postmaster = await starting
      if (postmaster.pid === before.pid)
        await withClient(connectionString, (client) => client.query('select 1'))
    },
    query: <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
      withClient(connectionString, async (client) => (await client.query<Row>(text, values)).rows),
    async stop() {
      stopped = true
      postmaster = await starting.catch(() => postmaster)
      await stopPostmaster(postmaster, 3000)
      await disk?.unmount()
    },
  }
}

async function withClient<T>(url: string, fn: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await fn(client)
  } finally {
    await client.end().catch(() => undefined)
  }
}

async function mountDisk(
  dir: string,
  sizeMb: number,
): Promise<{ fill(): Promise<void>; free(): Promise<void>; unmount(): Promise<void> } | null> {
  if (process.getuid?.() !== 0) return null
  const size = (kb: number): string => `size=${kb}k,mode=755`
  const whole = size(sizeMb * 1024)
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', whole, 'tmpfs', dir]).catch(() => null)
  if (mounted === null) return null
  return {
    // Made as small as what lies on it: the next bytes find no place. More may be written before that is done.
    async fill() {
      const shrink = async (): Promise<void> => {
        const { stdout } = await run('df', ['-k', '--output=used', dir])
        await run('mount', ['-o', `remount,${size(Number(stdout.split('\n')[1]) + 256)}`, dir])
      }
      await eventually(shrink, { everyMs: 1 })
    },
    async free() {
      await run('mount', ['-o', `remount,${whole}`, dir])
    },
    async unmount() {
      await run('umount', ['-l', dir])
    },
  }
}

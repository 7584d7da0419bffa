import { randomBytes } from 'node:crypto'
import { chown, mkdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { StartError } from '../kit/start-error.ts'
import { findPostgresBinaries } from './postgres-binaries.ts'
import { choosePostgresIdentity, type PostgresIdentity } from './postgres-identity.ts'
import { startFailure } from './start-failure.ts'

/** The files of the embedded PostgreSQL below DATA_DIR, and as whom it runs. */
export type Cluster = {
  dataDir: string
  /** DATA_DIR/postgres: what PostgreSQL itself owns. */
  dir: string
  logFile: string
  password: string
  identity: PostgresIdentity
  settings: Readonly<Record<string, string>>
  log: Logger
}

export const CLUSTER_USER = 'relay'

const LOG_BYTES_MAX = 10 * 1024 * 1024

/** Finds the cluster, or makes it. `dataDir` exists and is a real path. Throws StartError. */
export async function openCluster(options: Pick<Cluster, 'dataDir' | 'settings' | 'log'>): Promise<Cluster> {
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
  if (!(await exists(cluster.dir))) await makeCluster(cluster)
  return cluster
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

async function readOrMakePassword(dataDir: string): Promise<string> {
  const file = join(dataDir, 'postgres-password')
  const stored = await readFile(file, 'utf8').catch(() => '')
  if (stored !== '') return stored
  if (await exists(join(dataDir, 'postgres')))
    throw new StartError(`${file} is missing, but its database is there: restore the file from a backup.`)
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
  await rm(passwordFile, { force: true })
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
  const { binaries, spawn } = cluster.identity
  const child = spawn(
    binaries.initdb,
    [
      ...['-D', dir, '-U', CLUSTER_USER, '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '-E', 'UTF8'],
      ...['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) throw startFailure(cluster.dataDir, said)
}

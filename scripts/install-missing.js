// Installs what npm has not installed yet, or has installed for an older package-lock.json. Plain JavaScript for Node 20.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))
const lockFile = join(root, 'package-lock.json')
const stampFile = join(root, 'node_modules', '.postback-relay-installed')

/** The Node of the version that this program is written for. */
export const packagedNode = () =>
  join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')

/** Exits with npm's status where the installation fails. */
export function installMissing() {
  if (!existsSync(lockFile) || isCurrent()) return
  console.error('Installing dependencies (once, about a minute) ...')
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const { status, error } = spawnSync(npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (status !== 0) {
    console.error(
      `npm ci failed${error ? `: ${error.message}` : ''}. Run it yourself to see why, then start again.`,
    )
    process.exit(status ?? 1)
  }
  mkdirSync(join(root, 'node_modules'), { recursive: true })
  writeFileSync(stampFile, digest())
}

function isCurrent() {
  if (!existsSync(packagedNode())) return false
  // npm writes its own copy of the lock file at the end of an installation.
  const own = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(own)) return false
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === digest()) return true
  return isSuperset(JSON.parse(readFileSync(own, 'utf8')), JSON.parse(readFileSync(lockFile, 'utf8')))
}

/** Whether everything that is not optional is there in the version wanted. */
function isSuperset(installed, wanted) {
  return Object.entries(wanted.packages).every(
    ([path, { version, optional, link }]) =>
      path === '' || optional || link || installed.packages[path]?.version === version,
  )
}

const digest = () => createHash('sha256').update(readFileSync(lockFile)).digest('hex')

// Installs what npm has not installed yet, or has installed for an older package-lock.json, and finds the packaged Node.
// Plain JavaScript for Node 20.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))
const lockFile = join(root, 'package-lock.json')
const stampFile = join(root, 'node_modules', '.postback-relay-installed')
const NODE_MAJOR = 24

/**
 * The Node of the version that this program is written for: the one of the npm package `node`, else the one that runs
 * this, if it is new enough. Exits with the fix where there is none.
 */
export function packagedNode() {
  const packaged = findPackagedNode()
  if (packaged !== null) return packaged
  if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR) return process.execPath
  console.error(`Node ${NODE_MAJOR} is missing: run "npm rebuild node", or use Node ${NODE_MAJOR} or newer.`)
  process.exit(1)
}

function findPackagedNode() {
  try {
    const folder = dirname(createRequire(import.meta.url).resolve('node/package.json'))
    const file = join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    return existsSync(file) ? file : null
  } catch {
    return null
  }
}

/**
 * In a checkout only; a package was installed by npm with all it needs. withDev: what only tests need too. Exits with
 * npm's status where that fails.
 */
export function installMissing({ withDev }) {
  if (!existsSync(lockFile) || isCurrent(withDev)) return
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
  writeFileSync(stampFile, digest())
}

function isCurrent(withDev) {
  // npm writes its own copy of the lock file at the end of an installation.
  const own = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(own)) return false
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === digest()) return true
  return hasAll(JSON.parse(readFileSync(own, 'utf8')), JSON.parse(readFileSync(lockFile, 'utf8')), withDev)
}

/** Whether everything that is needed is there in the version wanted. */
function hasAll(installed, wanted, withDev) {
  return Object.entries(wanted.packages).every(
    ([path, { version, optional, link, dev }]) =>
      path === '' || optional || link || (dev && !withDev) || installed.packages[path]?.version === version,
  )
}

const digest = () => createHash('sha256').update(readFileSync(lockFile)).digest('hex')

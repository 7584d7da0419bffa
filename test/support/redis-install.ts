import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * The program that runs Redis, installed from Debian where it is missing and we are root. Null if there is none; then
 * one line has said what is not run.
 */
export async function ensureRedisServer(): Promise<string | null> {
  const found = await find()
  if (found !== null) return found
  if (process.getuid?.() === 0) await install()
  const installed = await find()
  if (installed === null)
    console.warn('No redis-server here, and it can not be installed: tests on Redis are not run.')
  return installed
}

async function find(): Promise<string | null> {
  for (const name of ['redis-server', 'valkey-server'])
    if (await run(name, ['--version']).catch(() => null)) return name
  return null
}

async function install(): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const get = (...args: string[]) => run('apt-get', ['-y', '-q', ...args], { env })
  await get('install', '--no-install-recommends', 'redis-server')
    .catch(async () => {
      await get('update')
      await get('install', '--no-install-recommends', 'redis-server')
    })
    .catch(() => undefined)
}

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { installPackage } from './install-package.ts'

const run = promisify(execFile)

/**
 * The program that runs Redis: the file that REDIS_SERVER names, or the one that is found, or Debian's, which is installed
 * where we are root. Null if there is none; then one line has said what is not run.
 */
export async function ensureRedisServer(): Promise<string | null> {
  const { REDIS_SERVER } = process.env
  if (REDIS_SERVER !== undefined) return REDIS_SERVER
  const found = await find()
  if (found !== null) return found
  await installPackage('redis-server')
  const installed = await find()
  if (installed === null)
    console.warn('No redis-server here, and it can not be installed: what needs Redis is not run.')
  return installed
}

async function find(): Promise<string | null> {
  for (const name of ['redis-server', 'valkey-server'])
    if (await run(name, ['--version']).catch(() => null)) return name
  return null
}

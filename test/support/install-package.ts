import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Installs a package of Debian where we are root; where that fails, it is not there. */
export async function installPackage(name: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const get = (...args: string[]) => run('apt-get', ['-y', '-q', ...args], { env })
  await get('install', '--no-install-recommends', name)
    .catch(async () => {
      await get('update')
      await get('install', '--no-install-recommends', name)
    })
    .catch(() => undefined)
}

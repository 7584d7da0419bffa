import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Of this process; a killed run is known by it. */
export const SITE_PREFIX = `relay-chaos-${process.pid}-`
export const NAMESPACE = `relay-chaos-${process.pid}`
const NAMESPACES = '/run/netns'

/** Namespaces and disks that killed runs left behind. Their folders stay: they may be kept for a look. */
export async function removeAbandoned(): Promise<void> {
  for (const name of await listDead(NAMESPACES))
    await run('ip', ['netns', 'del', name]).catch(() => undefined)
  for (const name of await listDead(tmpdir()))
    await run('umount', ['-l', join(tmpdir(), name, 'database')]).catch(() => undefined)
}

async function listDead(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  return names.filter((name) => {
    const pid = /^relay-chaos-(\d+)(?:-|$)/.exec(basename(name))?.[1]
    return pid !== undefined && !isAlive(Number(pid))
  })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

import { execFile } from 'node:child_process'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { killQuietly } from './signals.ts'

const run = promisify(execFile)

/** Of this process; a killed run is known by it. */
export const SITE_PREFIX = `relay-chaos-${process.pid}-`
export const NAMESPACE = `relay-chaos-${process.pid}`
const NAMESPACES = '/run/netns'

/**
 * Servers, frozen processes, namespaces and disks that killed runs left behind; other relay processes notice such an end
 * by themselves. Folders stay: they may be kept for a look.
 */
export async function removeAbandoned(): Promise<void> {
  for (const name of await listDead(tmpdir())) await killAllOf(join(tmpdir(), name))
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

/** Servers work in a folder below it; the relay's processes name it in their environment. */
async function killAllOf(dir: string): Promise<void> {
  for (const pid of (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))) {
    const folder = await readlink(`/proc/${pid}/cwd`).catch(() => '')
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
    if (folder.startsWith(`${dir}/`) || environment.includes(`\0DATA_DIR=${dir}/`)) killQuietly(Number(pid))
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

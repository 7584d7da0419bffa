import type { ChildProcess } from 'node:child_process'
import { readFile, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** A running PostgreSQL server: started by us, or found running. */
export type Postmaster = {
  pid: number
  port: number
  /** Resolves when the process is gone. */
  exited: Promise<void>
}

const POLL_MS = 100

export function toPostmaster(child: ChildProcess, port: number): Postmaster {
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  return { pid: child.pid ?? 0, port, exited }
}

/**
 * The server that runs on this cluster, by its postmaster.pid (lines: pid, folder, start time, port ...).
 * Null if none runs; a file left behind, even if its pid is another program's now, is removed, since PostgreSQL would
 * take that program for a server and refuse to start.
 */
export async function findPostmaster(clusterDir: string): Promise<Postmaster | null> {
  const file = join(clusterDir, 'postmaster.pid')
  const text = await readFile(file, 'utf8').catch(() => null)
  if (text === null) return null
  const [pid = Number.NaN, , , port = Number.NaN] = text.split('\n').map(Number)
  if (Number.isInteger(pid) && (await isServerOf(pid, clusterDir)))
    return { pid, port: Number.isInteger(port) ? port : 0, exited: untilGone(pid) }
  await rm(file, { force: true })
  return null
}

async function isServerOf(pid: number, clusterDir: string): Promise<boolean> {
  if (!isAlive(pid)) return false
  // Without /proc the file is believed.
  if (process.platform !== 'linux') return true
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return commandLine.includes(`\0-D\0${await realpath(clusterDir)}\0`)
}

/** True also for a process of somebody else. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

async function untilGone(pid: number): Promise<void> {
  while (isAlive(pid)) await delay(POLL_MS, undefined, { ref: false })
}

/**
 * Fast shutdown; what takes longer than graceMs is cut off (the next start then recovers from the log).
 * Resolves when the process is gone.
 */
export async function stopPostmaster(postmaster: Postmaster, graceMs: number): Promise<void> {
  // The pid of one that is gone may be somebody else's by now.
  if (await isGoneWithin(postmaster, 0)) return
  for (const [signal, waitMs] of [
    ['SIGINT', graceMs],
    ['SIGQUIT', 500],
    ['SIGKILL', 5000],
  ] as const) {
    signalQuietly(postmaster.pid, signal)
    if (await isGoneWithin(postmaster, waitMs)) return
  }
}

async function isGoneWithin(postmaster: Postmaster, waitMs: number): Promise<boolean> {
  const timer = new AbortController()
  const late = delay(waitMs, false, { signal: timer.signal }).catch(() => false)
  const gone = await Promise.race([postmaster.exited.then(() => true), late])
  timer.abort()
  return gone
}

function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // Gone already: what was wanted.
  }
}

import { readFile, readlink, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { StartError } from '../kit/start-error.ts'

const FILE = 'relay.lock'
const BEAT_MS = 1000
const WATCH_MS = 6000

export type Beat = { stop(): Promise<void> }

/**
 * A sign of life in the folder itself, for a relay in another container on the same volume: it sees neither our socket
 * nor our processes, and would take PostgreSQL's files for those of a dead server. Throws StartError where another one
 * beats; one that was killed elsewhere is waited for as long as it could still show itself.
 */
export async function startBeat(folder: string, place?: string): Promise<Beat> {
  const file = join(folder, FILE)
  const ours = place ?? (await ourPlace())
  const holder = await readFile(file, 'utf8').catch(() => null)
  if (holder !== null && holder !== ours && (await beats(file)))
    throw new StartError(
      `DATA_DIR ${folder} is in use by a relay in another container or on another machine: stop it, or set another DATA_DIR.`,
    )
  await writeFile(file, ours)
  const timer = setInterval(() => {
    const now = new Date()
    utimes(file, now, now).catch(() => undefined)
  }, BEAT_MS)
  timer.unref()
  return {
    async stop() {
      clearInterval(timer)
      await rm(file, { force: true })
    },
  }
}

/** By what changes, not by the clock: it may be another machine's. */
async function beats(file: string): Promise<boolean> {
  const readMs = (): Promise<number> =>
    stat(file).then(
      ({ mtimeMs }) => mtimeMs,
      () => Number.NaN,
    )
  const firstMs = await readMs()
  for (let waitedMs = 0; waitedMs < WATCH_MS; waitedMs += BEAT_MS / 2) {
    await delay(BEAT_MS / 2)
    const nowMs = await readMs()
    if (Number.isNaN(nowMs)) return false
    if (nowMs !== firstMs) return true
  }
  return false
}

/** Who shares it sees our socket and processes. */
async function ourPlace(): Promise<string> {
  const parts = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
    readlink('/proc/self/ns/net').catch(() => ''),
    readlink('/proc/self/ns/pid').catch(() => ''),
  ])
  return parts.map((part) => part.trim()).join(' ')
}

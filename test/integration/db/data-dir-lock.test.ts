import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startBeat } from '../../../src/db/data-dir-beat.ts'
import { lockDataDir } from '../../../src/db/data-dir-lock.ts'

const run = promisify(execFile)
const isRoot = process.getuid?.() === 0
const MODULE = fileURLToPath(new URL('../../../src/db/data-dir-lock.ts', import.meta.url))

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'relay-lock-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** Network, processes and IPC of their own, as a second container on the same volume has them. */
const lockElsewhere = (): Promise<unknown> =>
  run('unshare', [
    ...['-n', '-p', '-i', '-f', '--mount-proc', process.execPath, '--input-type=module', '-e'],
    `await (await import('${MODULE}')).lockDataDir('${folder}')`,
  ])

test.skipIf(!isRoot)(
  'a relay in another container is refused while one runs here, and has the folder at once when that one ends',
  async () => {
    const lock = await lockDataDir(folder)
    await expect(lockElsewhere()).rejects.toThrow(/in use by a relay in another container/)
    await lock.release()
    const startedMs = performance.now()
    await lockElsewhere()
    expect(performance.now() - startedMs).toBeLessThan(4000)
  },
)

/** Locks what `mounted` is in a mount namespace in which `source` is mounted there. */
const lockMounted = (source: string, mounted: string): Promise<unknown> =>
  run('unshare', [
    ...['-m', 'sh', '-c', 'mount --bind "$1" "$2" && exec "$3" --input-type=module -e "$4"', 'sh'],
    ...[source, mounted, process.execPath, `await (await import('${MODULE}')).lockDataDir('${mounted}')`],
  ])

test.skipIf(!isRoot)(
  'one folder that is mounted at two paths is one, two at the same path are two',
  async () => {
    const other = await mkdtemp(join(tmpdir(), 'relay-lock-'))
    const lock = await lockDataDir(folder)
    await expect(lockMounted(folder, other)).rejects.toThrow(/in use by another relay/)
    await lockMounted(other, folder)
    await lock.release()
    await rm(other, { recursive: true })
  },
)

test.each([
  ['elsewhere is waited for, since it might live', 'there', 6000],
  ['here is known to be dead', 'here', 0],
])('one that was killed %s', async (_what, place, waitMs) => {
  await writeFile(join(folder, 'relay.lock'), place)
  const startedMs = performance.now()
  const beat = await startBeat(folder, 'here')
  await beat.stop()
  const tookMs = performance.now() - startedMs
  expect(tookMs).toBeGreaterThanOrEqual(waitMs - 100)
  expect(tookMs).toBeLessThan(waitMs + 3000)
})

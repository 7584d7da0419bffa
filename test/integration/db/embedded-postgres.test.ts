import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import pg from 'pg'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startEmbeddedPostgres } from '../../../src/db/embedded-postgres.ts'
import { findPostgresBinaries } from '../../../src/db/postgres-binaries.ts'
import { eventually } from '../../support/eventually.ts'

const PROGRAM = fileURLToPath(new URL('../../support/run-embedded-postgres.ts', import.meta.url))
const IDENTITY_PROGRAM = fileURLToPath(new URL('../../support/run-as-postgres.ts', import.meta.url))
const isRoot = process.getuid?.() === 0
const NOBODY = 65534

let dataDir: string
const cleanups: (() => Promise<unknown>)[] = []
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'relay-pg-'))
  cleanups.push(() => rm(dataDir, { recursive: true, force: true }))
})
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** Starts in this process. */
async function start(dir = dataDir): Promise<{ url: string; stop(): Promise<void> }> {
  const postgres = await startEmbeddedPostgres({
    dataDir: dir,
    log: pino({ level: 'silent' }),
    settings: { fsync: 'off', shared_buffers: '16MB' },
  })
  const stop = () => postgres.stop(5000)
  cleanups.push(stop)
  return { url: postgres.connectionString, stop }
}

/** Starts in a process of its own, which can be killed. Rejects with what it says where it gives up. */
async function startProcess(prefix: string[] = [], options: { uid?: number; gid?: number } = {}) {
  const [command = '', ...args] = [...prefix, process.execPath, PROGRAM, dataDir]
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: '/', ...options })
  cleanups.push(() => stopProcess(child))
  let said = ''
  child.stderr.on('data', (chunk) => {
    said += chunk
  })
  const [line] = await Promise.race([once(child.stdout, 'data'), once(child, 'close')])
  if (!Buffer.isBuffer(line)) throw new Error(said)
  return { child, url: String(line).trim() }
}

async function stopProcess(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill(signal)
  await once(child, 'exit')
}

async function run(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

const serverPid = async (): Promise<number> =>
  Number((await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0])

test('rows are still there at the second start', async () => {
  const first = await start()
  await run(first.url, 'create table kept as select 42 as n')
  await first.stop()
  const second = await start()
  expect(await run(second.url, 'select n from kept')).toEqual([{ n: 42 }])
})

test('it takes only connections with the generated password, which only its owner can read', async () => {
  const { url } = await start()
  const wrong = new URL(url)
  wrong.password = 'wrong'
  await expect(run(wrong.href, 'select 1')).rejects.toThrow(/password/)
  const addresses = await run(url, `select current_setting('listen_addresses') as a`)
  expect(addresses).toEqual([{ a: '127.0.0.1' }])
  expect(await readFile(join(dataDir, 'postgres-password'), 'utf8')).toBe(new URL(url).password)
})

test('after kill -9 of PostgreSQL and the relay it starts again with all committed rows', async () => {
  const { child, url } = await startProcess()
  await run(url, 'create table kept as select 42 as n')
  const pid = await serverPid()
  await stopProcess(child, 'SIGKILL')
  process.kill(pid, 'SIGKILL')
  const again = await start()
  expect(await run(again.url, 'select n from kept')).toEqual([{ n: 42 }])
})

test('a PostgreSQL that a killed relay left running is taken over, and ends with the next relay', async () => {
  const { child, url } = await startProcess()
  const pid = await serverPid()
  await stopProcess(child, 'SIGKILL')
  const again = await start()
  expect(again.url).toBe(url)
  expect(await serverPid()).toBe(pid)
  await again.stop()
  expect(() => process.kill(pid, 0)).toThrow(/ESRCH/)
})

test('a frozen PostgreSQL that was left running is stopped and started again', async () => {
  const { child } = await startProcess()
  const pid = await serverPid()
  await stopProcess(child, 'SIGKILL')
  process.kill(pid, 'SIGSTOP')
  const again = await start()
  expect(await serverPid()).not.toBe(pid)
  expect(await run(again.url, 'select 1 as n')).toEqual([{ n: 1 }])
}, 60_000)

test('a stale postmaster.pid with the pid of another program neither prevents the start nor harms that program', async () => {
  const first = await start()
  await first.stop()
  // Of PostgreSQL's own user: it takes no other user's process for a server.
  const { uid, gid } = await stat(join(dataDir, 'postgres'))
  const bystander = spawn('sleep', ['60'], { stdio: 'ignore', uid, gid })
  cleanups.push(() => stopProcess(bystander, 'SIGKILL'))
  const file = join(dataDir, 'postgres', 'postmaster.pid')
  await writeFile(file, `${bystander.pid}\n${join(dataDir, 'postgres')}\n1700000000\n5432\n\n127.0.0.1\n`)
  const second = await start()
  expect(await run(second.url, 'select 1 as n')).toEqual([{ n: 1 }])
  expect(bystander.exitCode ?? bystander.signalCode).toBeNull()
})

test('a second relay on the same DATA_DIR is told so in one line, and the first goes on', async () => {
  const first = await start()
  const { message } = (await startProcess().catch((error: Error) => error)) as Error
  expect(message.trim()).toMatch(/^DATA_DIR .* is in use by another relay \(process \d+\): .*$/)
  expect(await run(first.url, 'select 1 as n')).toEqual([{ n: 1 }])
})

test('an initdb that was cut off is thrown away and made again', async () => {
  await mkdir(join(dataDir, 'postgres.unfinished'))
  await writeFile(join(dataDir, 'postgres.unfinished', 'PG_VERSION'), '18')
  const { url } = await start()
  expect(await run(url, 'select 1 as n')).toEqual([{ n: 1 }])
})

test('a PostgreSQL that dies under a running relay comes back on the same port', async () => {
  const { url } = await start()
  const pid = await serverPid()
  process.kill(pid, 'SIGKILL')
  await eventually(async () => expect(await serverPid()).not.toBe(pid), { timeoutMs: 20_000 })
  await eventually(() => run(url, 'select 1 as n'), { timeoutMs: 20_000 })
})

test.each([
  ['a file', (dir: string) => writeFile(join(dir, 'taken'), ''), 'taken/data'],
  [
    'damaged',
    (dir: string) =>
      mkdir(join(dir, 'postgres')).then(() => writeFile(join(dir, 'postgres/PG_VERSION'), '9')),
    '',
  ],
])('a DATA_DIR that is %s gives one line that names it and the fix', async (_, prepare, below) => {
  await writeFile(join(dataDir, 'postgres-password'), 'x')
  await prepare(dataDir)
  const { message } = (await start(join(dataDir, below)).catch((error: Error) => error)) as Error
  expect(message).toMatch(/^.*DATA_DIR .*Fix: .*DATABASE_URL\.$/)
})

describe.skipIf(!isRoot)('as root', () => {
  test('the server runs as another user, also where DATA_DIR lies below a folder that only root may enter', async () => {
    const closed = join(dataDir, 'closed')
    await mkdir(closed, { mode: 0o700 })
    const { url } = await start(join(closed, 'data'))
    expect(await run(url, 'select 1 as n')).toEqual([{ n: 1 }])
    const pid = Number((await readFile(join(closed, 'data/postgres/postmaster.pid'), 'utf8')).split('\n')[0])
    const status = await readFile(`/proc/${pid}/status`, 'utf8')
    expect(Number(/^Uid:\s+(\d+)/m.exec(status)?.[1])).toBeGreaterThan(0)
  })

  test.each([
    ['with its usual capabilities', [], 'native'],
    [
      'without the capability to pass closed folders',
      ['setpriv', '--bounding-set=-dac_override,-dac_read_search'],
      'copy',
    ],
  ])(
    '%s the binaries below a closed folder are run, from their place or from a copy',
    async (_, prefix, place) => {
      const closed = join(dataDir, 'closed')
      const copy = join(dataDir, 'copy')
      await chmod(dataDir, 0o755)
      await mkdir(closed, { mode: 0o700 })
      await mkdir(join(dataDir, 'data'))
      const native = join(closed, 'native')
      await cp((await findPostgresBinaries()).native, native, { recursive: true, verbatimSymlinks: true })
      const [command = '', ...args] = [...prefix, process.execPath, IDENTITY_PROGRAM]
      const { stdout } = await promisify(execFile)(command, [...args, native, join(dataDir, 'data'), copy])
      const said = JSON.parse(stdout)
      expect(said).toEqual({ native: place === 'copy' ? copy : native, initdb: 0, uid: expect.any(Number) })
      expect(said.uid).toBeGreaterThan(0)
    },
  )

  test('an ordinary user runs it too', async () => {
    await chmod(dataDir, 0o777)
    const { url } = await startProcess([], { uid: NOBODY, gid: NOBODY })
    expect(await run(url, 'select 1 as n')).toEqual([{ n: 1 }])
  })

  test('a full disk gives one line that says so', async () => {
    const script = `mount -t tmpfs -o size=24m none "$0" && chmod 755 "$0" && exec "$@"`
    const child = startProcess(['unshare', '--mount', 'sh', '-c', script, dataDir])
    const { message } = (await child.catch((error: Error) => error)) as Error
    expect(message.trim()).toMatch(
      /^The embedded PostgreSQL in DATA_DIR .*No space left on device.*Fix: free space.*$/,
    )
  })
})

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SETTINGS } from '../../config/schema.ts'
import { readCompose } from '../support/compose.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { createEmptyDatabase } from '../support/postgres.ts'
import { hasRedis, startRedis } from '../support/redis.ts'
import { startRelayProcess } from '../support/relay-process.ts'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../..', import.meta.url))

let dir: string
const cleanups: (() => Promise<unknown>)[] = []
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'relay-e2e-'))
  cleanups.push(() => rm(dir, { recursive: true, force: true }))
})
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

test('every step of the Dockerfile works, its image starts, is healthy and stops with status 0', async () => {
  const env = { ...process.env, CHECK_PORT: String(await freePort()) }
  const child = spawn(process.execPath, ['scripts/check-dockerfile.js'], { cwd: ROOT, env, stdio: 'pipe' })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      said += chunk
    })
  const [status] = await once(child, 'close')
  expect(status, said).toBe(0)
}, 600_000)

test('the npm package runs from node_modules, where Node strips no types, with its declared dependencies only', async () => {
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', dir], { cwd: ROOT })
  const [packed] = Object.values(JSON.parse(stdout.slice(stdout.search(/^[[{]/m)))) as { filename: string }[]
  const modules = join(dir, 'node_modules')
  await mkdir(join(modules, 'postback-relay'), { recursive: true })
  const tarball = join(dir, packed?.filename ?? '')
  await run('tar', ['-xzf', tarball, '--strip-components=1', '-C', join(modules, 'postback-relay')])
  await linkDependencies(modules)
  const relay = await startRelayProcess({
    env: { PORT: '0', DATA_DIR: join(dir, 'data') },
    command: [process.execPath, join(modules, 'postback-relay', 'bin', 'postback-relay.js')],
  })
  cleanups.push(() => relay.kill({ postgres: true }))
  await eventually(async () => {
    const ready = await (await fetch(`${relay.url}/readyz`)).json()
    expect(ready).toMatchObject({ ready: true, workers: { alive: 1 } })
  })
  expect((await relay.stop()).status).toBe(0)
})

/** What `npm install postback-relay` would put beside it: everything in the lock file that is not for development. */
async function linkDependencies(modules: string): Promise<void> {
  const lock = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8'))
  const paths = Object.entries<{ dev?: boolean }>(lock.packages).filter(
    ([path, { dev }]) => /^node_modules\/(@[^/]+\/)?[^/]+$/.test(path) && !dev,
  )
  for (const [path] of paths) {
    await mkdir(dirname(join(dir, path)), { recursive: true })
    await symlink(join(ROOT, path), join(modules, path.slice('node_modules/'.length)))
  }
}

test.skipIf(!hasRedis())(
  'the relay of compose.yaml runs with the settings and servers that are written there',
  async () => {
    // As openssl rand -base64 makes them.
    const password = 'se/cr+et#%='
    const compose = await readCompose({ POSTGRES_PASSWORD: password, SECRETS_KEY: 's'.repeat(40) })
    const { relay, redis, postgres } = compose.services
    // Read by pg.
    const names = ['PGPASSWORD', ...Object.values(SETTINGS).map((setting) => setting.env)]
    expect(names).toEqual(expect.arrayContaining(Object.keys(relay?.environment ?? {})))
    for (const name of Object.keys(relay?.depends_on ?? {})) {
      expect(relay?.depends_on?.[name]).toEqual({ condition: 'service_healthy' })
      expect(compose.services[name]?.healthcheck?.test.length).toBeGreaterThan(1)
    }
    const database = await createEmptyDatabase()
    const [, ...redisArgs] = redis?.command ?? []
    const server = await startRedis({ args: redisArgs })
    cleanups.push(database.drop, server.stop)
    expect(new URL(relay?.environment?.DATABASE_URL ?? '')).toMatchObject({
      username: postgres?.environment?.POSTGRES_USER,
      password: '',
      hostname: 'postgres',
      pathname: `/${postgres?.environment?.POSTGRES_DB}`,
    })
    expect(relay?.environment?.PGPASSWORD).toBe(postgres?.environment?.POSTGRES_PASSWORD)
    expect(new URL(relay?.environment?.REDIS_URL ?? '').hostname).toBe('redis')
    const url = new URL(database.connectionString)
    url.password = ''

    const running = await startRelayProcess({
      env: {
        ...relay?.environment,
        DATABASE_URL: url.href,
        PGPASSWORD: decodeURIComponent(new URL(database.connectionString).password),
        REDIS_URL: server.url,
        PORT: '0',
        DATA_DIR: dir,
      },
    })
    cleanups.push(() => running.kill())
    await eventually(async () => {
      const ready = await (await fetch(`${running.url}/readyz`)).json()
      expect(ready).toMatchObject({
        ready: true,
        queue: { backend: 'redis', ok: true },
        workers: { alive: 2 },
      })
    })
  },
)

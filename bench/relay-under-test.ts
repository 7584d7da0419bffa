import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../test/support/free-port.ts'
import { makeNetwork } from './network.ts'
import { type BenchRedis, end, familyOf, forkReady, type RunningProcess } from './processes.ts'
import { startCounting, switchOnCounting } from './statements.ts'

/** Something that takes conversions over HTTP and tells a receiver. */
export type Subject = {
  name: string
  port: number
  /** Path of a report, with the token. */
  path: string
  /** Of click ids; the number of the destination follows. */
  clickPrefix: string
  /** Of the embedded Postgres; null where there is none. */
  dataDir: string | null
  processes(): RunningProcess[]
  /** How many destinations have an alert that is not over: an open breaker, or a ramp. */
  breakersOpen(): Promise<number>
  stop(): Promise<void>
}

export type Variant = { name: string; client: 'got' | 'undici' | 'plain'; backend: 'redis' | 'postgres' }

/** The relay as its users start it, with everything durable and logged; its data in a temporary folder. */
export async function startRelaySubject(
  variant: Variant,
  options: {
    redis: BenchRedis | null
    receiverPort: number
    destinations: number
    countsStatements?: boolean
    /** A seeded one, which is kept. */
    dataDir?: string
  },
): Promise<Subject> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'relay-bench-')))
  const port = await freePort()
  const key = randomBytes(24).toString('hex')
  const env = {
    PATH: process.env.PATH ?? '',
    PORT: String(port),
    DATA_DIR: dataDir,
    ADMIN_KEY: key,
    DELIVERY_HTTP_CLIENT: variant.client,
    OUTBOUND_ALLOW_CIDRS: '127.0.0.0/8',
    LOG_LEVEL: 'warn',
    ...(variant.backend === 'redis' && options.redis !== null && { REDIS_URL: options.redis.url }),
  }
  let child = await start(env)
  if (options.countsStatements) {
    await switchOnCounting(dataDir)
    await end(child)
    child = await start(env)
    await startCounting(dataDir)
  }
  const { token, clickPrefix } = await makeNetwork(
    { url: `http://127.0.0.1:${port}`, key },
    options.receiverPort,
    options.destinations,
  )
  return {
    name: variant.name,
    port,
    path: `/postback/${token}`,
    clickPrefix,
    dataDir,
    processes: () => [...familyOf(child.pid ?? 0, 'launcher'), ...processOf(variant, options.redis)],
    async breakersOpen() {
      const headers = { authorization: `Bearer ${key}` }
      const answer = await fetch(`http://127.0.0.1:${port}/v1/alerts?open=true&limit=200`, { headers })
      const { data } = (await answer.json()) as { data: unknown[] }
      return data.length
    },
    async stop() {
      await end(child)
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true })
    },
  }
}

async function start(env: Record<string, string>): Promise<ChildProcess> {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../bin/postback-relay.js'), 'start'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await untilListening(child)
  return child
}

const processOf = ({ backend }: Variant, redis: BenchRedis | null): RunningProcess[] =>
  backend === 'redis' && redis?.child.pid !== undefined ? [{ pid: redis.child.pid, name: 'redis' }] : []

async function untilListening(child: ChildProcess): Promise<void> {
  if (child.stdout === null) throw new Error('the relay has no output')
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    if (!String(chunk).includes('listens on')) continue
    child.stdout.resume()
    return
  }
  throw new Error('the relay did not start')
}

export async function startPlainSubject(
  variant: Variant,
  redis: BenchRedis,
  receiverPort: number,
): Promise<Subject> {
  const port = await freePort()
  const env = { REDIS_URL: redis.url, RECEIVER_PORT: String(receiverPort), PORT: String(port) }
  const api = await forkReady('./plain-relay.ts', env)
  const worker = await forkReady('./plain-relay.ts', { ...env, PLAIN_ROLE: 'worker' })
  return {
    name: 'plain relay',
    port,
    path: '/postback',
    clickPrefix: 'c',
    dataDir: null,
    processes: () => [
      ...familyOf(api.child.pid ?? 0, 'api'),
      ...familyOf(worker.child.pid ?? 0, 'worker'),
      ...processOf(variant, redis),
    ],
    breakersOpen: async () => 0,
    async stop() {
      await end(worker.child)
      await end(api.child)
    },
  }
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { inject } from 'vitest'
import { eventually } from './eventually.ts'
import { freePort } from './free-port.ts'

export type TestRedis = {
  url: string
  port: number
  pid: number
  /** SIGKILL; the port and the folder stay, so that start() brings it back with what its snapshot holds. */
  kill(): Promise<void>
  start(): Promise<void>
  stop(): Promise<void>
}

const SAID_CHARS_MAX = 2000

/** Whether tests on Redis can run here; `describe.skipIf(!hasRedis())`. */
export const hasRedis = (): boolean => inject('services').redisServer !== null

/**
 * A Redis of its own on a free port, without persistence but for SAVE, with noeviction. With tls its url is for a second
 * port, where it shows the certificate for `localhost`.
 */
export async function startRedis(
  options: { port?: number; args?: readonly string[]; tls?: boolean } = {},
): Promise<TestRedis> {
  const program = inject('services').redisServer
  if (program === null) throw new Error('no redis-server here')
  const dir = await mkdtemp(join(tmpdir(), 'relay-redis-'))
  const port = options.port ?? (await freePort())
  const tlsPort = options.tls ? await freePort() : null
  const args = [...(options.args ?? []), ...(tlsPort === null ? [] : tlsArgs(tlsPort))]
  let child: ChildProcess | null = null
  const start = async (): Promise<void> => {
    const launched = launchRedis({ program, port, dir, args })
    child = launched.child
    await launched.ready
  }
  const kill = async (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    const running = child
    child = null
    if (running === null || running.exitCode !== null) return
    const gone = once(running, 'exit')
    running.kill(signal)
    await gone
  }
  await start()
  return {
    url: tlsPort === null ? `redis://127.0.0.1:${port}` : `rediss://localhost:${tlsPort}`,
    port,
    get pid() {
      return child?.pid ?? 0
    },
    kill: () => kill(),
    start,
    stop: async () => {
      await kill()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

const certificateFile = (name: string): string =>
  fileURLToPath(new URL(`certificates/${name}`, import.meta.url))

/** Who trusts this file trusts the Redis that was started with tls. */
export const REDIS_CERTIFICATE = certificateFile('localhost.pem')

const tlsArgs = (tlsPort: number): string[] => [
  ...['--tls-port', String(tlsPort), '--tls-auth-clients', 'no'],
  ...['--tls-cert-file', REDIS_CERTIFICATE, '--tls-ca-cert-file', REDIS_CERTIFICATE],
  ...['--tls-key-file', certificateFile('tracker.key')],
]

/** ready rejects with what it said where it ends before it answers. */
export function launchRedis(options: {
  program: string
  port: number
  dir: string
  args?: readonly string[]
}): { child: ChildProcess; ready: Promise<unknown> } {
  const { program, port, dir, args = [] } = options
  const always = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', '']
  const child = spawn(program, [...always, '--maxmemory-policy', 'noeviction', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', (chunk) => {
    said = (said + chunk).slice(-SAID_CHARS_MAX)
  })
  const ended = once(child, 'close').then(() => Promise.reject(new Error(`${program} ended: ${said}`)))
  return { child, ready: Promise.race([eventually(() => askRedis(port, 'ping')), ended]) }
}

/** One command on a connection of its own. */
export async function askRedis(port: number, name: string, ...args: string[]): Promise<unknown> {
  const redis = new Redis({ port, host: '127.0.0.1', lazyConnect: true, retryStrategy: () => null })
  redis.on('error', () => undefined)
  try {
    await redis.connect()
    return await redis.call(name, ...args)
  } finally {
    redis.disconnect()
  }
}

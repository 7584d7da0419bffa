import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

/** Whether tests on Redis can run here; `describe.skipIf(!hasRedis())`. */
export const hasRedis = (): boolean => inject('services').redisServer !== null

/** A Redis of its own on a free port, without persistence but for SAVE, with noeviction. */
export async function startRedis(
  options: { port?: number; args?: readonly string[] } = {},
): Promise<TestRedis> {
  const program = inject('services').redisServer
  if (program === null) throw new Error('no redis-server here')
  const dir = await mkdtemp(join(tmpdir(), 'relay-redis-'))
  const port = options.port ?? (await freePort())
  let child: ChildProcess | null = null
  const start = async (): Promise<void> => {
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', '']
    child = spawn(program, [...args, '--maxmemory-policy', 'noeviction', ...(options.args ?? [])], {
      stdio: 'ignore',
    })
    await eventually(() => ping(port))
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
    url: `redis://127.0.0.1:${port}`,
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

async function ping(port: number): Promise<void> {
  const redis = new Redis({ port, host: '127.0.0.1', lazyConnect: true, retryStrategy: () => null })
  redis.on('error', () => undefined)
  try {
    await redis.connect()
    await redis.ping()
  } finally {
    redis.disconnect()
  }
}

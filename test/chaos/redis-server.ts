import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'

/** The suite's own Redis. */
export type RedisServer = {
  port: number
  command(name: string, ...args: string[]): Promise<unknown>
  kill(): Promise<void>
  /** With the snapshot that SAVE left, or empty. */
  start(options: { empty: boolean }): Promise<void>
  /** For good: a later start() is refused. */
  stop(): Promise<void>
}

export async function startRedisServer(options: { dir: string; program: string }): Promise<RedisServer> {
  const { dir, program } = options
  await mkdir(dir, { recursive: true })
  const port = await freePort()
  let child: ChildProcess | null = null
  let stopped = false
  const command = async (name: string, ...args: string[]): Promise<unknown> => {
    const redis = new Redis({ port, host: '127.0.0.1', lazyConnect: true, retryStrategy: () => null })
    redis.on('error', () => undefined)
    try {
      await redis.connect()
      return await redis.call(name, ...args)
    } finally {
      redis.disconnect()
    }
  }
  const start = async ({ empty }: { empty: boolean }): Promise<void> => {
    if (empty) await rm(join(dir, 'dump.rdb'), { force: true })
    if (stopped) throw new Error('Redis is stopped for good')
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', '']
    child = spawn(program, [...args, '--maxmemory-policy', 'noeviction'], { stdio: 'ignore' })
    await eventually(() => command('PING'))
  }
  const kill = async (): Promise<void> => {
    const running = child
    child = null
    if (running === null || running.exitCode !== null) return
    const gone = once(running, 'exit')
    running.kill('SIGKILL')
    await gone
  }
  await start({ empty: true })
  const stop = (): Promise<void> => {
    stopped = true
    return kill()
  }
  return { port, command, kill, start, stop }
}

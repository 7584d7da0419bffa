import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../support/free-port.ts'
import { askRedis, launchRedis } from '../support/redis-process.ts'

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
  const start = async ({ empty }: { empty: boolean }): Promise<void> => {
    if (empty) await rm(join(dir, 'dump.rdb'), { force: true })
    if (stopped) throw new Error('Redis is stopped for good')
    const launched = launchRedis({ program, port, dir })
    child = launched.child
    await launched.ready
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
  const command = (name: string, ...args: string[]): Promise<unknown> => askRedis(port, name, ...args)
  return { port, command, kill, start, stop }
}

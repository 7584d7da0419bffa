import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Redis } from 'ioredis'
import { eventually } from './eventually.ts'

const SAID_CHARS_MAX = 2000

/** Without persistence but for SAVE, with noeviction. ready rejects with what it said where it ends before it answers. */
export function launchRedis(options: {
  program: string
  port: number
  dir: string
  args?: readonly string[]
}): { child: ChildProcess; ready: Promise<unknown> } {
  const { program, port, dir, args = [] } = options
  const always = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', '']
  const child = spawn(program, [...always, '--maxmemory-policy', 'noeviction', ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
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

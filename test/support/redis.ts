import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inject } from 'vitest'
import { freePort } from './free-port.ts'
import { launchRedis } from './redis-process.ts'

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

const certificateFile = (name: string): string =>
  fileURLToPath(new URL(`certificates/${name}`, import.meta.url))

/** Who trusts this file trusts the Redis that was started with tls. */
export const REDIS_CERTIFICATE = certificateFile('localhost.pem')

const tlsArgs = (tlsPort: number): string[] => [
  ...['--tls-port', String(tlsPort), '--tls-auth-clients', 'no'],
  ...['--tls-cert-file', REDIS_CERTIFICATE, '--tls-ca-cert-file', REDIS_CERTIFICATE],
  ...['--tls-key-file', certificateFile('tracker.key')],
]

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

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { eventually } from '../support/eventually.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
/** As the launcher does; so is the channel, by which a process notices that the suite was killed, and ends. */
const HEAP_FLAGS = ['--max-semi-space-size=32', '--max-old-space-size=512']
const COMPILE_CACHE = fileURLToPath(new URL('../../node_modules/.cache/postback-relay', import.meta.url))
const RESTART_AFTER_MS = 500

/** One process of the relay, kept up like a service: what ends by itself is started again, and counted as a crash. */
export type RelayNode = {
  name: string
  role: 'api' | 'worker'
  /** Where it listens; of a worker nothing. */
  url: string
  isUp(): boolean
  /** Ends of its own that nobody asked for, with what it said last. */
  crashes: string[]
  start(): Promise<void>
  /** SIGKILL; it stays down until start(). */
  kill(): Promise<void>
  /** SIGTERM; resolves with the exit status and how long it took. */
  stop(): Promise<{ status: number | null; ms: number }>
  freeze(): void
  thaw(): void
  rssMb(): number
  /** SIGKILL, for good: a start() that comes later, as of a fault that is under way, is refused. */
  close(): Promise<void>
}

type Options = {
  name: string
  role: 'api' | 'worker'
  env: Record<string, string>
  logFile: string
  /** A network namespace that it runs in. */
  namespace: string | null
}

export function createRelayNode({ name, role, env, logFile, namespace }: Options): RelayNode {
  const log = createWriteStream(logFile, { flags: 'a' })
  const crashes: string[] = []
  let child: ChildProcess | null = null
  let wanted = false
  let closed = false
  let said = ''

  const launch = (): ChildProcess => {
    const inside = namespace === null ? [] : ['netns', 'exec', namespace, process.execPath]
    const launched = spawn(namespace === null ? process.execPath : 'ip', [...inside, ...HEAP_FLAGS, MAIN], {
      env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: COMPILE_CACHE, ...env, ROLE: role },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    said = ''
    for (const stream of [launched.stdout, launched.stderr])
      stream?.on('data', (text: Buffer) => {
        said = (said + text).slice(-4000)
        log.write(text)
      })
    launched.once('exit', (status, signal) => void onExit(launched, status ?? signal))
    return launched
  }
  const onExit = async (ended: ChildProcess, how: unknown): Promise<void> => {
    if (ended !== child || !wanted) return
    child = null
    // A server that is away is a reason not to start, told in one line; a service manager tries again.
    if (!/^DATABASE_URL: PostgreSQL at \S+ can not be used/m.test(said))
      crashes.push(`${new Date().toISOString()} ${name} ended (${how}): ${said.slice(-600)}`)
    await wait(RESTART_AFTER_MS)
    if (wanted && child === null) child = launch()
  }
  const signal = (which: NodeJS.Signals): void => {
    child?.kill(which)
  }
  const end = async (which: NodeJS.Signals): Promise<ChildProcess | null> => {
    wanted = false
    const ending = child
    child = null
    if (ending === null || ending.exitCode !== null || ending.signalCode !== null) return null
    const gone = once(ending, 'exit')
    ending.kill(which)
    await gone
    return ending
  }

  return {
    name,
    role,
    url: role === 'api' ? `http://${env.HOST}:${env.PORT}` : '',
    crashes,
    isUp: () => child !== null,
    async start() {
      if (closed) throw new Error(`${name} is closed`)
      wanted = true
      child ??= launch()
      await eventually(
        () => {
          if (role === 'api' && !said.includes('The relay listens on'))
            throw new Error(`${name} does not listen: ${said}`)
        },
        { timeoutMs: 90_000 },
      )
    },
    async kill() {
      await end('SIGKILL')
    },
    async close() {
      closed = true
      await end('SIGKILL')
    },
    async stop() {
      const startedMs = performance.now()
      const ended = await end('SIGTERM')
      return { status: ended?.exitCode ?? null, ms: performance.now() - startedMs }
    },
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    rssMb() {
      try {
        const status = readFileSync(`/proc/${child?.pid ?? 0}/status`, 'utf8')
        return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024
      } catch {
        return 0
      }
    },
  }
}

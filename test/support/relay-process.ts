import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { eventually } from './eventually.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const COMMAND = [process.execPath, 'bin/postback-relay.js']

export type RelayProcess = {
  /** Where it listens; empty for a worker. */
  url: string
  /** The key that was printed, or null. */
  adminKey: string | null
  child: ChildProcess
  /** All that was written to standard output and error so far. */
  output(): string
  /** SIGTERM; resolves with the exit status and how long it took. */
  stop(): Promise<{ status: number | null; ms: number }>
  /** SIGKILL to the whole tree: launcher, API, workers; the embedded PostgreSQL only if asked. */
  kill(options?: { postgres?: boolean }): Promise<void>
}

type Options = {
  env: Record<string, string>
  /** Instead of `start`. */
  args?: readonly string[]
  /** Instead of bin/postback-relay.js of this checkout; runs in its root. */
  command?: readonly string[]
}

/** Runs the program with only these settings. Resolves when it says that it listens (a worker: at once). */
export async function startRelayProcess({ env, args = ['start'], command }: Options): Promise<RelayProcess> {
  const { child, output } = launch({ env, args, ...(command && { command }) })
  if (env.ROLE !== 'worker') await untilListening(child, output)
  const stop = async (): Promise<{ status: number | null; ms: number }> => {
    const startedAt = performance.now()
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM')
      await once(child, 'close')
    }
    return { status: child.exitCode, ms: performance.now() - startedAt }
  }
  return {
    url: /The relay listens on (\S+)/.exec(output())?.[1] ?? '',
    adminKey: /Admin key.*: (\S+)/.exec(output())?.[1] ?? null,
    child,
    output,
    stop,
    kill: async ({ postgres = false } = {}) => {
      const tree = await listTree(child.pid ?? 0)
      const isPostgres = (one: Running): boolean => /bin\/postgres/.test(one.command)
      const doomed = tree.filter((one) => postgres || !isPostgres(one))
      for (const { pid } of doomed) killQuietly(pid)
      if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
    },
  }
}

async function untilListening(child: ChildProcess, output: () => string): Promise<void> {
  const listening = eventually(
    () => {
      if (!output().includes('The relay listens on')) throw new Error(`it does not listen: ${output()}`)
    },
    { timeoutMs: 60_000 },
  )
  const ended = once(child, 'close').then(() => {
    throw new Error(`the relay ended with status ${child.exitCode}: ${output()}`)
  })
  await Promise.race([listening, ended])
}

/** Runs a command to its end. */
export async function runRelayCommand(options: Options): Promise<{ status: number; output: string }> {
  const { child, output } = launch(options)
  const [status] = await once(child, 'close')
  return { status: Number(status), output: output() }
}

function launch({ env, args = [], command = COMMAND }: Options): { child: ChildProcess; output(): string } {
  let said = ''
  const [program = '', ...rest] = [...command, ...args]
  const child = spawn(program, rest, {
    cwd: ROOT,
    env: { PATH: process.env.PATH, LOG_LEVEL: 'warn', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  return { child, output: () => said }
}

export type Running = { pid: number; parent: number; command: string }

/** A process and all that descend from it, parents first. */
export async function listTree(pid: number): Promise<Running[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const all = (await Promise.all(names.map(read))).filter((one) => one !== null)
  const tree = all.filter((one) => one.pid === pid)
  for (const parent of tree) tree.push(...all.filter((one) => one.parent === parent.pid))
  return tree
}

async function read(name: string): Promise<Running | null> {
  const status = await readFile(`/proc/${name}/status`, 'utf8').catch(() => '')
  const command = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')
  const parent = /^PPid:\s+(\d+)/m.exec(status)?.[1]
  return parent === undefined
    ? null
    : { pid: Number(name), parent: Number(parent), command: command.replaceAll('\0', ' ') }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // Gone already.
  }
}

import { type ChildProcess, execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { freePort } from '../test/support/free-port.ts'
import { ensureRedisServer } from '../test/support/redis-install.ts'
import { launchRedis } from '../test/support/redis-process.ts'

/** Seconds of processor time and MiB of memory that a process took so far. */
export type Usage = { cpuS: number; rssMiB: number }

const TICKS_PER_S = 100

/** Of one process, from /proc; zero for a process that is gone. */
export function usageOf(pid: number): Usage {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const rssKib = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0)
    // utime and stime, with those of children that ended (Postgres backends).
    const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0)
    return { cpuS: ticks / TICKS_PER_S, rssMiB: rssKib / 1024 }
  } catch {
    return { cpuS: 0, rssMiB: 0 }
  }
}

export type RunningProcess = { pid: number; name: string }

/** A process and all that it started, named by what they are. */
export function familyOf(pid: number, name: string): RunningProcess[] {
  const rows = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n')
  const running = rows.flatMap((row) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(row)
    return match ? [{ pid: Number(match[1]), parent: Number(match[2]), args: match[3] ?? '' }] : []
  })
  const family: RunningProcess[] = [{ pid, name }]
  for (const one of family)
    for (const row of running)
      if (row.parent === one.pid && !row.args.startsWith('ps '))
        family.push({ pid: row.pid, name: nameOf(row.args) ?? one.name })
  return family
}

const NAMES: [RegExp, string][] = [
  [/postgres/, 'postgres'],
  [/workers\/main/, 'worker'],
  [/src\/main/, 'api'],
]

const nameOf = (args: string): string | undefined => NAMES.find(([pattern]) => pattern.test(args))?.[1]

/** Ends a process politely and waits for it; after ten seconds with SIGKILL. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000)
  await gone
  clearTimeout(timer)
}

/** Forks one of bench/*.ts and waits for its first message. */
export async function forkReady(
  file: string,
  env: Record<string, string> = {},
): Promise<{ child: ChildProcess; first: Record<string, unknown> }> {
  const child = fork(new URL(file, import.meta.url), { env: { ...process.env, ...env } })
  const [first] = (await once(child, 'message')) as [Record<string, unknown>]
  return { child, first }
}

export type BenchRedis = { url: string; child: ChildProcess }

/** A Redis of its own, or null where there is none. */
export async function startBenchRedis(): Promise<BenchRedis | null> {
  const program = await ensureRedisServer()
  if (program === null) return null
  const port = await freePort()
  const { child, ready } = launchRedis({ program, port, dir: tmpdir() })
  await ready
  return { url: `redis://127.0.0.1:${port}`, child }
}

import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import type { Logger } from 'pino'

export type WorkerPool = {
  /** Tells all to stop by closing their channels; one that is not gone after graceMs is killed. */
  close(graceMs: number): Promise<void>
}

const BACKOFF_MS_MIN = 250
const BACKOFF_MS_MAX = 10_000
const HEALTHY_MS = 60_000

/** Keeps `count` worker processes running: one that dies is started again, the sooner the longer it had lived. */
export function startWorkerPool(options: { count: number; fork(): ChildProcess; log: Logger }): WorkerPool {
  const closing = new AbortController()
  const running = new Set<ChildProcess>()
  const keepOne = async (): Promise<void> => {
    let backoffMs = BACKOFF_MS_MIN
    while (!closing.signal.aborted) {
      const startedAt = performance.now()
      await runOne(options, running, closing.signal)
      if (closing.signal.aborted) return
      if (performance.now() - startedAt > HEALTHY_MS) backoffMs = BACKOFF_MS_MIN
      await wait(backoffMs, undefined, { signal: closing.signal }).catch(() => undefined)
      backoffMs = Math.min(backoffMs * 2, BACKOFF_MS_MAX)
    }
  }
  const kept = Array.from({ length: options.count }, keepOne)
  return {
    async close(graceMs) {
      closing.abort()
      for (const child of running) if (child.connected) child.disconnect()
      const patience = setTimeout(() => {
        for (const child of running) child.kill('SIGKILL')
      }, graceMs)
      await Promise.all(kept)
      clearTimeout(patience)
    },
  }
}

/** Resolves when the process is gone. */
async function runOne(
  { fork, log }: { fork(): ChildProcess; log: Logger },
  running: Set<ChildProcess>,
  closing: AbortSignal,
): Promise<void> {
  const child = forkOrNull(fork, log)
  if (child === null) return
  running.add(child)
  // Also where it could not be started.
  const [code, signal] = await once(child, 'exit').catch((err: unknown) => [err, null])
  running.delete(child)
  if (!closing.aborted)
    log.error({ code, signal, worker: child.pid }, 'a worker process ended; starting another')
}

/** Node throws where memory is short; most other failures are events of the child. */
function forkOrNull(fork: () => ChildProcess, log: Logger): ChildProcess | null {
  try {
    return fork()
  } catch (err) {
    log.error({ err }, 'a worker process could not be started; trying again')
    return null
  }
}

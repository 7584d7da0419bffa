import type { Logger } from 'pino'
import { ConfigError } from '../config/load.ts'
import { StartError } from './kit/start-error.ts'

type Running = { close(): Promise<void> }

const EXIT_RESERVE_MS = 300
/** By then a write to a log that nobody reads any more has failed; see exitSoon. */
const LOG_ERROR_MS = 50

/**
 * Runs `start` as this process: ends on SIGTERM, SIGINT, or when the parent's channel closes, in graceMs at most, with
 * status 0; on a reason not to start with one line per problem and status 1; on a bug with its stack and status 1.
 */
export async function runProcess(options: {
  log: Logger
  graceMs: number
  start(): Promise<Running>
}): Promise<void> {
  const { log, graceMs } = options
  let starting: Promise<Running> | null = null
  let ending = false
  let asked = false
  const end = async (status: number): Promise<void> => {
    if (ending) return
    ending = true
    setTimeout(() => {
      log.warn('not everything was finished in time; unfinished deliveries go on after the next start')
      exitSoon(status)
    }, graceMs - EXIT_RESERVE_MS)
    // What still starts would be left behind, PostgreSQL above all; where it can not start it has closed what it had.
    const running = await starting?.catch(() => null)
    await running?.close().catch((err: unknown) => log.error({ err }, 'closing failed'))
    exitSoon(status)
  }
  const crash = (err: unknown): void => {
    // Not `fatal`, which flushes at once: see exitSoon.
    log.error({ err }, 'a bug: the process ends')
    void end(1)
  }
  process.on('uncaughtException', crash)
  process.on('unhandledRejection', crash)
  const stop = (): void => {
    asked = true
    void end(0)
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, stop)
  if (process.connected) process.on('disconnect', stop)
  try {
    starting = options.start()
    await starting
  } catch (error) {
    if (!asked) exitWith(error)
  }
}

/**
 * The log flushes at the exit and at each fatal line, and tries for ever where its reader is gone, unless an earlier write
 * has told it so (sonic-boom's flushSync sleeps and repeats on EPIPE): the process would never end.
 */
function exitSoon(status: number): void {
  setTimeout(() => process.exit(status), LOG_ERROR_MS)
}

/** Prints why the process can not start, and ends it with status 1. */
export function exitWith(error: unknown): never {
  process.stderr.write(`${reasonOf(error)}\n`)
  process.exit(1)
}

function reasonOf(error: unknown): string {
  if (error instanceof ConfigError || error instanceof StartError) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

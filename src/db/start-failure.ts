import { join } from 'node:path'
import { StartError } from '../kit/start-error.ts'

/** One line for a person from what PostgreSQL's programs said when they gave up. */
export function startFailure(dataDir: string, said: string, cause?: unknown): Error {
  const lines = said.split('\n').filter((line) => line.trim() !== '')
  const telling = lines.find((line) => /FATAL|PANIC|error:/.test(line)) ?? lines.at(-1)
  const reason = telling?.replace(/^.*?(?:FATAL|PANIC|error): +/, '') ?? messageOf(cause)
  const fix = /No space left|Disk quota/.test(said)
    ? 'free space on the disk of DATA_DIR'
    : `see ${join(dataDir, 'postgres.log')}`
  return new StartError(
    `The embedded PostgreSQL in DATA_DIR ${dataDir} does not start: ${reason}. Fix: ${fix}, or set DATABASE_URL.`,
    cause,
  )
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : 'it gave no reason')

/** The same for what the file system refused (no permission, disk full, not a folder); other errors as they are. */
export function dataDirFailure(dataDir: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('syscall' in error)) return error
  return new StartError(
    `DATA_DIR ${dataDir} can not be used: ${error.message}. Fix: set DATA_DIR to a folder that can be written, or set DATABASE_URL.`,
    error,
  )
}

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { installPackage } from '../test/support/install-package.ts'
import type { Subject } from './relay-under-test.ts'

/** Callers where nothing else is said. */
export const CONNECTIONS = 64

type Options = {
  prefix: string
  destinations: number
  firstDestination?: number
  calls: number
  /** Each has one call open, the next is sent when it was answered. */
  connections: number
}
type Report = { accepted: number; refused: number; ms: number }

/** Reports conversions with wrk as fast as they are answered. wrk must be there, see ensureWrk. */
export async function closedLoop(subject: Subject, options: Options): Promise<Report> {
  const { prefix, destinations, firstDestination = 0, calls, connections } = options
  const script = join(import.meta.dirname, 'closed-loop.lua')
  const words = [subject.path, subject.clickPrefix, prefix, destinations, firstDestination, calls]
  const wrk = spawn(
    'wrk',
    // It is ended as soon as it has said how it went.
    [
      '-t1',
      `-c${connections}`,
      '-d1h',
      '--timeout',
      '30s',
      '-s',
      script,
      `http://127.0.0.1:${subject.port}`,
    ].concat('--', words.map(String)),
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const gone = once(wrk, 'exit')
  try {
    let text = ''
    for await (const chunk of wrk.stdout) {
      text += chunk
      const line = /^\{.*\}$/m.exec(text)
      if (line !== null) return JSON.parse(line[0])
    }
    throw new Error(`wrk ended early: ${text}`)
  } finally {
    wrk.kill('SIGKILL')
    await gone
  }
}

/** Throws where wrk is missing and can not be installed. */
export async function ensureWrk(): Promise<void> {
  const isThere = (): boolean => spawnSync('wrk', ['--version']).error === undefined
  if (isThere()) return
  await installPackage('wrk')
  if (!isThere()) throw new Error('wrk is missing: install it (apt-get install wrk)')
}

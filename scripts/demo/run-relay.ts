import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const LAST_WORDS_MAX = 4000

export type RunningRelay = {
  /** Where it listens; rejects with its last words where it does not come to that. */
  listening: Promise<string>
  stop(): Promise<void>
}

/** Runs a relay as a process of its own that ends with this one; what it says goes into logFile. */
export function runRelay(options: {
  settings: Record<string, string>
  logFile: string
  /** It ended by itself after it had listened. */
  onEnd(reason: string): void
}): RunningRelay {
  const child = spawn(process.execPath, [PROGRAM], {
    env: options.settings,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const log = createWriteStream(options.logFile)
  let said = ''
  const ended = once(child, 'close').then(([code]) => {
    log.end()
    return `${said.trim()}\nThe relay ended with status ${code}.`.trim()
  })
  const url = new Promise<string>((resolve) => {
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        log.write(text)
        said = (said + text).slice(-LAST_WORDS_MAX)
        const found = /The relay listens on (\S+)/.exec(said)?.[1]
        if (found !== undefined) resolve(found)
      })
  })
  const failed = ended.then((reason) => Promise.reject(new Error(reason)))
  const listening = Promise.race([url, failed])
  listening.then(
    () => failed.catch((error: Error) => options.onEnd(error.message)),
    () => undefined,
  )
  return {
    listening,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

import { join } from 'node:path'
import { startDemo } from './start-demo.ts'

const { PORT = '8080', HOST = '127.0.0.1', DATA_DIR = './data', LOG_LEVEL = 'warn', PATH, HOME } = process.env

/**
 * Only these: a DATABASE_URL or REDIS_URL of the shell belongs to a real relay, which the demo must not fill with its
 * samples.
 */
const settings = {
  PORT,
  HOST,
  LOG_LEVEL,
  ...(PATH !== undefined && { PATH }),
  ...(HOME !== undefined && { HOME }),
}

const stopping = new AbortController()
let stop = async (): Promise<void> => undefined
let ended = false
const end = async (status: number): Promise<void> => {
  if (ended) return
  ended = true
  stopping.abort()
  if (status === 0) process.stdout.write('\nStopping the demo ...\n')
  await stop().catch(() => undefined)
  process.exit(status)
}
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void end(0))
process.on('disconnect', () => void end(0))

try {
  const demo = await startDemo({
    settings,
    dataDir: join(DATA_DIR, 'demo'),
    signal: stopping.signal,
    showsProgress: process.stdout.isTTY,
    say: (text) => process.stdout.write(text),
    onRelayEnd: (reason) => {
      if (ended) return
      process.stderr.write(`\n${reason}\n`)
      void end(1)
    },
    onStop: (close) => {
      stop = close
    },
  })
  process.stdout.write(demo.guide)
} catch (error) {
  if (!ended) process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  void end(1)
}

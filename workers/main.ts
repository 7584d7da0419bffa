import { loadConfig } from '../config/load.ts'
import { createLog } from '../src/kit/log.ts'
import { exitWith, runProcess } from '../src/run-process.ts'
import { startRelay } from '../src/start-relay.ts'

// A worker process that ROLE=all forks; it ends when its parent's channel closes.
try {
  const config = loadConfig({ ...process.env, ROLE: 'worker' })
  const log = createLog(config)
  await runProcess({
    log,
    graceMs: config.shutdownGraceMs,
    start: () =>
      startRelay({
        config,
        log,
        fork: () => {
          throw new Error('a worker process starts no others')
        },
        say: (line) => log.info(line),
      }),
  })
} catch (error) {
  exitWith(error)
}

import { fork } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadConfig } from '../config/load.ts'
import { summarizeConfig } from '../config/summary.ts'
import { createLog } from './kit/log.ts'
import { exitWith, runProcess } from './run-process.ts'
import { startRelay } from './start-relay.ts'

// Beside this file, in the language that it is in: .ts in a checkout, .js in a package.
const WORKER = fileURLToPath(new URL(`../workers/main${extname(import.meta.filename)}`, import.meta.url))

try {
  const config = loadConfig(process.env)
  const log = createLog(config)
  log.info({ settings: summarizeConfig(config) }, 'starting')
  await runProcess({
    log,
    graceMs: config.shutdownGraceMs,
    start: () =>
      startRelay({
        config,
        log,
        fork: (settings) => fork(WORKER, { env: { ...process.env, ...settings } }),
        say: (line) => process.stdout.write(`${line}\n`),
      }),
  })
} catch (error) {
  exitWith(error)
}

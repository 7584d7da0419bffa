#!/usr/bin/env node
// Starts the relay or its commands with the packaged Node. Plain JavaScript for Node 20; in a checkout it installs what
// is missing first, in a package it runs the stripped files of dist/.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { installMissing, packagedNode, root } from './install-missing.js'

installMissing({ withDev: false })
const [command = 'start', ...args] = process.argv.slice(2)
const isCheckout = existsSync(join(root, 'src', 'main.ts'))
const name = command === 'start' ? 'main' : 'cli'
const program = isCheckout ? join(root, 'src', `${name}.ts`) : join(root, 'dist', 'src', `${name}.js`)
// Node would let garbage grow to half a gigabyte: under load 430 MiB per process without these (2026-11-23), 270 at most with
// them (npm run bench, 2026-11-27). Worker processes inherit them.
const HEAP_FLAGS = ['--max-semi-space-size=32', '--max-old-space-size=512']
const child = spawn(
  packagedNode(),
  [...HEAP_FLAGS, program, ...(command === 'start' ? args : [command, ...args])],
  // By the channel the program notices when this process is killed, and ends.
  {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    // Halves the start; where the folder can not be written Node goes on without.
    env: { NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'postback-relay'), ...process.env },
  },
)
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('error', (error) => {
  console.error(`${packagedNode()} can not be run: ${error.message}`)
  process.exit(1)
})
child.on('exit', (code) => process.exit(code ?? 1))

// Runs the tests with the packaged Node: `npm test -- <vitest arguments>`. Plain JavaScript for Node 20.
import { spawnSync } from 'node:child_process'
import { installMissing, packagedNode, root } from '../bin/install-missing.js'

installMissing({ withDev: true })
const { status, signal } = spawnSync(
  packagedNode(),
  ['node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)],
  { cwd: root, stdio: 'inherit' },
)
process.exit(signal === null ? (status ?? 1) : 1)

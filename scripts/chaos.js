// Runs the chaos suite with the packaged Node: `npm run chaos -- --seed 7 --conversions 20000`. Plain JavaScript for Node 20.
import { spawnSync } from 'node:child_process'
import { installMissing, packagedNode, root } from '../bin/install-missing.js'

installMissing({ withDev: true })
const { status } = spawnSync(packagedNode(), ['test/chaos/main.ts', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
})
process.exit(status ?? 1)

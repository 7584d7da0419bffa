// Runs the chaos suite with the packaged Node: `npm run chaos -- --seed 7 --conversions 20000`. Plain JavaScript for Node 20.
import { spawn } from 'node:child_process'
import { installMissing, packagedNode, root } from '../bin/install-missing.js'

installMissing({ withDev: true })
const suite = spawn(packagedNode(), ['test/chaos/main.ts', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
})
// The suite ends what it started before it ends itself.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => suite.kill(signal))
suite.on('exit', (status) => process.exit(status ?? 1))

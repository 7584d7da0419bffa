// Runs the demo with the packaged Node: `npm run demo`. Plain JavaScript for Node 20.
import { spawn } from 'node:child_process'
import { installMissing, packagedNode, root } from '../bin/install-missing.js'

installMissing({ withDev: false })
// By the channel the demo notices when this process is killed, and ends.
const demo = spawn(packagedNode(), ['scripts/demo/main.ts'], {
  cwd: root,
  stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
})
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => demo.kill(signal))
demo.on('exit', (code) => process.exit(code ?? 1))

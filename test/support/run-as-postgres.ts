// A program that a test starts with other rights than its own: makes a cluster in argv[3] with the binaries in argv[2]
// (copied to argv[4] if need be) and says from where and as whom that was done.
import { once } from 'node:events'
import { chown, mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { choosePostgresIdentity } from '../../src/db/postgres-identity.ts'

const [native = '', dataDir = '', copyDir = ''] = process.argv.slice(2)
const binaries = { native, initdb: join(native, 'bin/initdb'), postgres: join(native, 'bin/postgres') }
const identity = await choosePostgresIdentity(binaries, dataDir, copyDir)
const dir = join(dataDir, 'postgres')
await mkdir(dir, { mode: 0o700 })
await chown(dir, identity.owner?.uid ?? 0, identity.owner?.gid ?? 0)
const child = identity.spawn(identity.binaries.initdb, ['-D', dir, '-N'], { stdio: 'ignore' })
const [initdb] = await once(child, 'exit')
const { uid } = await stat(dir)
process.stdout.write(JSON.stringify({ native: identity.binaries.native, initdb, uid }))

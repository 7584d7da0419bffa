import { realpath, rm, stat } from 'node:fs/promises'
import { createConnection, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StartError } from '../kit/start-error.ts'
import { startBeat } from './data-dir-beat.ts'

export type DataDirLock = { release(): Promise<void> }

/**
 * Makes sure that one process at a time works on a data folder. The lock is a socket, so the kernel frees it however
 * the process ends, and a beat for those that can not see it. Throws StartError where another process has it.
 */
export async function lockDataDir(dataDir: string): Promise<DataDirLock> {
  const folder = await realpath(dataDir)
  // Not by its path: volumes of two containers may have the same one, and one folder may be mounted at two.
  const { dev, ino } = await stat(folder, { bigint: true })
  const name = `postback-relay-${dev}-${ino}`
  // On Linux an abstract address: no file that a kill could leave behind.
  const address = process.platform === 'linux' ? `\0${name}` : join(tmpdir(), `${name}.sock`)
  const server = (await listen(address)) ?? (await listenUnlessHeld(address, folder))
  server.unref()
  const close = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()))
  const beat = await startBeat(folder).catch(async (error) => {
    await close()
    throw error
  })
  return {
    async release() {
      await beat.stop()
      await close()
    },
  }
}

function listen(address: string): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.end(String(process.pid))
    })
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(null) : reject(error),
    )
    server.listen(address, () => resolve(server))
  })
}

async function listenUnlessHeld(address: string, folder: string): Promise<Server> {
  const holder = await askHolder(address)
  if (holder === null && !address.startsWith('\0')) await rm(address, { force: true })
  const server = holder === null ? await listen(address) : null
  if (server === null)
    throw new StartError(
      `DATA_DIR ${folder} is in use by another relay${holder ? ` (process ${holder})` : ''}: stop it, or set another DATA_DIR.`,
    )
  return server
}

/** The pid that holds the lock, empty if it does not answer; null if nobody listens. */
function askHolder(address: string): Promise<string | null> {
  return new Promise((resolve) => {
    let said = ''
    const socket = createConnection(address)
    socket.setTimeout(1000, () => socket.destroy())
    socket.on('data', (chunk) => {
      said += chunk
    })
    socket.once('error', () => resolve(null))
    socket.once('close', () => resolve(said))
  })
}

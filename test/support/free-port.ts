import { once } from 'node:events'
import { createServer } from 'node:net'

// Below the ports that Linux gives to outgoing connections and to listen(0) (32768 to 60999), so that nothing takes one
// by chance before its server is there, or while a test keeps that server away.
const FIRST = 10_000
const COUNT = 20_000
let next = Math.floor(Math.random() * COUNT)

/** A port on which nothing listens; no process gets the same one twice. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < COUNT; tries++) {
    const port = FIRST + (next++ % COUNT)
    if (await isFree(port)) return port
  }
  throw new Error(`no port from ${FIRST} to ${FIRST + COUNT} is free`)
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}

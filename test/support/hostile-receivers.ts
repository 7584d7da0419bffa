import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { gzipSync } from 'node:zlib'

/** What a raw receiver does with a connection; bytes are written by hand, so that nothing is well-formed by accident. */
export type Behaviour = (socket: Socket, receiver: RawReceiver) => void

export type RawReceiver = {
  port: number
  /** Connections accepted so far. */
  connections: number
  /** Connections that are open. */
  open: number
  /** Heads and bodies of all requests, as text. */
  requests: string[]
  /** Bytes read over all connections. */
  bytesRead: number
  close(): Promise<void>
}

type Options = {
  host?: string
  port?: number
  certificate?: 'tracker' | 'expired' | 'other-name' | 'self-signed'
  /** TLS: the caller has to show a certificate too. */
  mutual?: boolean
}

const certificate = (name: string): string =>
  readFileSync(new URL(`./certificates/${name}`, import.meta.url), 'utf8')

/** The root that signed the certificates of TLS receivers. */
export const testRoot = certificate('root.pem')

/** A TCP (with a certificate: TLS) server of the given behaviour on a free port. */
export async function startRawReceiver(behave: Behaviour, options: Options = {}): Promise<RawReceiver> {
  const sockets = new Set<Socket>()
  const receiver: RawReceiver = { port: 0, connections: 0, open: 0, requests: [], bytesRead: 0, close }
  const onConnection = (socket: Socket) => {
    receiver.connections++
    receiver.open++
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => {
      sockets.delete(socket)
      receiver.open--
    })
    behave(socket, receiver)
  }
  const server = createRawServer(options, onConnection)
  server.listen(options.port ?? 0, options.host ?? '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  receiver.port = typeof address === 'object' && address !== null ? address.port : 0
  return receiver

  async function close() {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  }
}

function createRawServer(
  { certificate: name, mutual = false }: Options,
  onConnection: (socket: Socket) => void,
): Server {
  if (name === undefined) return createServer(onConnection)
  const own = { key: certificate('tracker.key'), cert: certificate(`${name}.pem`) }
  const options = { ...own, requestCert: mutual, rejectUnauthorized: mutual }
  return createTlsServer(options, onConnection).on('tlsClientError', () => {})
}

/** Calls reply for every request that arrived whole (head, and body by its content-length). */
export const onRequest =
  (reply: (socket: Socket, n: number, receiver: RawReceiver) => void): Behaviour =>
  (socket, receiver) => {
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      receiver.bytesRead += chunk.length
      text += chunk.toString('latin1')
      for (let end = endOfRequest(text); end !== null; end = endOfRequest(text)) {
        receiver.requests.push(text.slice(0, end))
        text = text.slice(end)
        reply(socket, receiver.requests.length, receiver)
      }
    })
  }

function endOfRequest(text: string): number | null {
  const head = text.indexOf('\r\n\r\n')
  if (head === -1) return null
  const length = Number(/^content-length: (\d+)/im.exec(text.slice(0, head))?.[1] ?? 0)
  return text.length >= head + 4 + length ? head + 4 + length : null
}

/** Answers every request with these bytes; end: closes its side after them. */
export const answerWith = (answer: string | Buffer, { end = false } = {}): Behaviour =>
  onRequest((socket) => {
    socket.write(answer)
    if (end) socket.end()
  })

export const ok = (body = 'OK', headers = ''): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`

/** Reads everything and never says a word. */
export const hang: Behaviour = (socket, receiver) => {
  socket.on('data', (chunk: Buffer) => {
    receiver.bytesRead += chunk.length
  })
}

export const hangAfterHead: Behaviour = answerWith('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n')

/** A byte of the body each 20 ms, without end. */
export const drip: Behaviour = onRequest((socket) => {
  socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n')
  const timer = setInterval(() => socket.write('.'), 20)
  socket.once('close', () => clearInterval(timer))
})

/** A header line each 20 ms, without end. */
export const dripHead: Behaviour = onRequest((socket) => {
  socket.write('HTTP/1.1 200 OK\r\n')
  const timer = setInterval(() => socket.write('X: y\r\n'), 20)
  socket.once('close', () => clearInterval(timer))
})

/** The answer that `flood` sends, in bytes. */
export const FLOOD_BYTES = 100 * 1024 * 1024

export const flood: Behaviour = onRequest((socket) => {
  socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${FLOOD_BYTES}\r\n\r\n`)
  const block = Buffer.alloc(256 * 1024, 'x')
  const pump = () => {
    while (!socket.destroyed && socket.write(block)) if (socket.bytesWritten > FLOOD_BYTES) return
  }
  socket.on('drain', pump)
  pump()
})

/** 60 KiB that unpack to 60 MiB. */
export function gzipBomb(): Behaviour {
  const body = gzipSync(Buffer.alloc(60 * 1024 * 1024))
  const head = `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`
  return answerWith(Buffer.concat([Buffer.from(head), body]))
}

export const reset: Behaviour = onRequest((socket) => {
  socket.resetAndDestroy()
})

/** A megabyte of headers. */
export const hugeHead: Behaviour = answerWith(
  `HTTP/1.1 200 OK\r\n${`X-Filler: ${'y'.repeat(1000)}\r\n`.repeat(1000)}\r\n`,
)

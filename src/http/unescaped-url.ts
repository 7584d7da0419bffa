import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

/** What node:http adds to the error of its parser. */
export type ParseError = Error & { code?: string; rawPacket?: unknown; bytesParsed?: number }

/** What llhttp says of a byte that no URL may hold, and of a blank in one. */
const CODES: ReadonlySet<string | undefined> = new Set(['HPE_INVALID_URL', 'HPE_INVALID_CONSTANT'])
const HTTP_VERSION = /^HTTP\/1\.[01]$/

/**
 * Reads a request again whose URL came with raw bytes or blanks, as old scripts send them (`fsockopen`, `file_get_contents`):
 * each is percent-encoded, and the request goes the way of every other. False where it is not such a request, or its line is
 * not whole in one packet: nothing was done then. The connection ends with the answer.
 */
export function readUnescapedUrl(server: Server, error: ParseError, socket: Socket): boolean {
  if (!CODES.has(error.code) || !Buffer.isBuffer(error.rawPacket)) return false
  const head = escapeRequestLine(error.rawPacket, error.bytesParsed ?? 0)
  if (head === null) return false
  server.emit('connection', new SecondReading(socket, head))
  return true
}

/** errorAt: where the parser gave up; behind the first line the packet began with something else. */
function escapeRequestLine(packet: Buffer, errorAt: number): Buffer | null {
  const lineEnd = packet.indexOf('\n')
  if (errorAt >= lineEnd) return null
  const [method, ...words] = packet.toString('latin1', 0, lineEnd).trimEnd().split(' ')
  const version = words.pop() ?? ''
  const url = words.join(' ')
  if (!HTTP_VERSION.test(version) || !url.startsWith('/')) return null
  const head = `${method} ${url.replace(/[^\x21-\x7e]/g, escapeByte)} ${version}\r\nconnection: close\r\n`
  return Buffer.concat([Buffer.from(head), packet.subarray(lineEnd + 1)])
}

const escapeByte = (byte: string): string =>
  `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`

/** A socket whose first bytes are others than those that came. */
class SecondReading extends Duplex {
  readonly #socket: Socket

  constructor(socket: Socket, head: Buffer) {
    super()
    this.#socket = socket
    // The parser that gave up listens no more.
    socket.removeAllListeners('data')
    this.push(head)
    socket.on('data', (chunk) => {
      if (!this.push(chunk)) socket.pause()
    })
    socket.once('end', () => this.push(null))
    socket.once('close', () => this.destroy())
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, encoding, done)
  }

  override _final(done: () => void): void {
    this.#socket.destroySoon()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }
}

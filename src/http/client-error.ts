import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { AppError } from '../kit/app-error.ts'
import type { ErrorCodeName } from '../kit/error-codes.ts'

const CODES: Readonly<Record<string, ErrorCodeName>> = {
  HPE_HEADER_OVERFLOW: 'too_long',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
}

const DETAILS: Readonly<Record<string, { message: string; fix: string }>> = {
  HPE_INVALID_URL: {
    message: 'The URL holds bytes that no URL can hold.',
    fix: 'Percent-encode everything but ASCII letters, digits and -._~, or send the values in the body of a POST.',
  },
}

/** Answers what node:http could not read as a request, in the shape of every other error, and closes. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
  const refusal = new AppError(CODES[error.code ?? ''] ?? 'malformed', DETAILS[error.code ?? ''])
  const body = JSON.stringify({ error: refusal.toWire(randomUUID()) })
  const head = [
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}

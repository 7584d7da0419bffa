import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { answerClientError } from '../../../src/http/client-error.ts'

const answerTo = async (error: Error & { code?: string }): Promise<string> => {
  const server = createServer((socket) => answerClientError(error, socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as { port: number }).port, '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  await once(socket, 'close')
  server.close()
  return Buffer.concat(chunks).toString()
}

test.each([
  ['ERR_HTTP_REQUEST_TIMEOUT', 'HTTP/1.1 408 Request Timeout', 'request_timeout'],
  ['HPE_HEADER_OVERFLOW', 'HTTP/1.1 431 Request Header Fields Too Large', 'too_long'],
  ['HPE_INVALID_METHOD', 'HTTP/1.1 400 Bad Request', 'malformed'],
])('%s is answered with %s', async (code, line, word) => {
  const text = await answerTo(Object.assign(new Error('parse'), { code }))
  const [head = '', body = ''] = text.split('\r\n\r\n')
  expect(head.startsWith(line)).toBe(true)
  expect(head).toContain(`content-length: ${Buffer.byteLength(body)}`)
  expect(JSON.parse(body).error).toMatchObject({ code: word, request_id: expect.any(String) })
})

test('a URL with bytes that no URL can hold is refused with the way to send them', async () => {
  const text = await answerTo(Object.assign(new Error('parse'), { code: 'HPE_INVALID_URL' }))
  expect(JSON.parse(text.split('\r\n\r\n')[1] ?? '').error).toMatchObject({
    code: 'malformed',
    fix: expect.stringContaining('Percent-encode'),
  })
})

test('a connection that was reset gets no answer', async () => {
  expect(await answerTo(Object.assign(new Error('reset'), { code: 'ECONNRESET' }))).toBe('')
})

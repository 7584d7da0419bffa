import { once } from 'node:events'
import { connect } from 'node:net'
import { text as readText } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildServer } from '../../../src/http/server.ts'
import { ADMIN_KEY, type ControlApi, startControlApi } from '../../support/control-api.ts'

let api: ControlApi
let port: number
const lines: string[] = []
beforeAll(async () => {
  api = await startControlApi({ lines })
  await api.app.listen({ port: 0, host: '127.0.0.1' })
  port = (api.app.server.address() as { port: number }).port
})
afterAll(() => api.close())

/** Sends bytes as they are and reads the answer to its end. */
async function sendRaw(
  bytes: string,
  to = port,
): Promise<{ status: number; json: { error: Record<string, unknown> } }> {
  const socket = connect(to, '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.write(bytes, 'latin1')
  await once(socket, 'close')
  const text = Buffer.concat(chunks).toString()
  return {
    status: Number(text.slice(9, 12)),
    json: JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)),
  }
}

test.each([
  ['bytes that are no HTTP', 'nonsense\r\n\r\n', 400, 'malformed'],
  ['over 16 KiB of URL', `GET /${'x'.repeat(23_000)} HTTP/1.1\r\nhost: a\r\n\r\n`, 431, 'too_long'],
  [
    'over 16 KiB of URL once it is escaped',
    `GET /${'\xe9'.repeat(9_000)} HTTP/1.1\r\nhost: a\r\n\r\n`,
    431,
    'too_long',
  ],
  ['a URL with a blank and no HTTP version', 'GET /a b\r\n\r\n', 400, 'malformed'],
  [
    'over 16 KiB of headers',
    `GET / HTTP/1.1\r\nhost: a\r\nx: ${'x'.repeat(17_000)}\r\n\r\n`,
    431,
    'too_long',
  ],
])('%s is answered in the one error shape', async (_, bytes, status, code) => {
  const answer = await sendRaw(bytes)
  expect(answer.status).toBe(status)
  expect(answer.json.error).toMatchObject({
    code,
    message: expect.any(String),
    request_id: expect.any(String),
  })
})

test('a URL with a blank behind another request in one packet is refused, and that request not served twice', async () => {
  const server = buildServer(api.ctx)
  let served = 0
  server.decorateRequest('principal', null)
  server.get('/once', () => ({ served: ++served }))
  await server.listen({ port: 0, host: '127.0.0.1' })
  const socket = connect((server.server.address() as { port: number }).port, '127.0.0.1')
  socket.write('GET /once HTTP/1.1\r\nhost: a\r\n\r\nGET /a b HTTP/1.1\r\nhost: a\r\n\r\n')
  expect(await readText(socket)).toContain('"code":"malformed"')
  await server.close()
  expect(served).toBe(1)
})

test('HTTP/1.1 without a Host is refused in the one error shape, HTTP/1.0 is served', async () => {
  const answer = await sendRaw('GET /livez HTTP/1.1\r\nconnection: close\r\n\r\n')
  expect(answer).toMatchObject({ status: 400, json: { error: { code: 'malformed', field: 'Host' } } })
  expect((await sendRaw('GET /livez HTTP/1.0\r\n\r\n')).status).toBe(200)
})

test.each([
  ['head', 'POST /slow HTTP/1.1\r\nhost: a\r\n'],
  ['body', 'POST /slow HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{'],
])('a client that never ends its %s is cut off with 408 once its time is over', async (_, bytes) => {
  const server = buildServer(api.ctx)
  server.decorateRequest('principal', null)
  server.post('/slow', () => 'never')
  server.server.requestTimeout = 500
  server.server.headersTimeout = 500
  await server.listen({ port: 0, host: '127.0.0.1' })
  const slow = await sendRaw(bytes, (server.server.address() as { port: number }).port)
  await server.close()
  expect(slow).toMatchObject({ status: 408, json: { error: { code: 'request_timeout' } } })
})

test('an unknown address is 404, a known one with another method 405 with Allow', async () => {
  expect(await api.get('/nothing/here')).toMatchObject({
    status: 404,
    json: { error: { code: 'not_found' } },
  })
  const answer = await api.call({ method: 'DELETE', url: '/v1/advertisers' })
  expect(answer).toMatchObject({ status: 405, json: { error: { code: 'method_not_allowed' } } })
  expect(answer.headers.allow).toBe('GET, POST')
  expect((await api.call({ method: 'HEAD', url: '/click?offer_id=a&affiliate_id=b' })).status).toBe(405)
})

test.each(['/livez', '/readyz'])('%s takes HEAD, which some monitors ask with', async (url) => {
  expect((await api.call({ method: 'HEAD', url })).status).toBe(200)
})

test.each([
  ['{"name":', 'application/json', 400, 'malformed'],
  ['[1]', 'application/json', 400, 'malformed'],
  ['"text"', 'application/json', 400, 'malformed'],
  ['', 'application/json', 400, 'malformed'],
  ['['.repeat(400_000), 'application/json', 400, 'malformed'],
  [`${'['.repeat(60)}${']'.repeat(60)}`, 'application/json', 400, 'malformed'],
  ['{"name":"a","param_map":{"__proto__":"x"}}', 'application/json', 400, 'invalid_field'],
  [Buffer.from('{"name":"\xe4"}', 'latin1'), 'application/json', 400, 'invalid_encoding'],
  ['<name/>', 'text/xml', 415, 'unsupported_media_type'],
  [`{"name":"${'x'.repeat(2_000_000)}"}`, 'application/json', 413, 'body_too_large'],
])('a body that can not be read is refused: %.20s', async (payload, type, status, code) => {
  const answer = await api.call({
    method: 'POST',
    url: '/v1/advertisers',
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': type },
    payload,
  })
  expect(answer).toMatchObject({ status, json: { error: { code, fix: expect.any(String) } } })
})

test('a single click over 1 MiB is 413, a list of the same size is not', async () => {
  const big = { params: { x: 'x'.repeat(4000) }, filler: 'y'.repeat(1_100_000) }
  expect((await api.post('/clicks', big)).json.error.code).toBe('body_too_large')
  expect((await api.post('/clicks', { data: [big] })).status).toBe(200)
})

test('a failure of ours says nothing about itself, in the answer; the log has it', async () => {
  const server = buildServer(api.ctx)
  server.decorateRequest('principal', null)
  server.get('/broken', () => {
    throw new Error('a secret detail')
  })
  const answer = await server.inject({ method: 'GET', url: '/broken' })
  expect(answer.statusCode).toBe(500)
  expect(answer.json().error.code).toBe('internal_error')
  expect(answer.body).not.toContain('secret detail')
  expect(lines.some((line) => line.includes('a secret detail'))).toBe(true)
})

test('without Postgres the answer is 503 with Retry-After', async () => {
  const server = buildServer(api.ctx)
  server.decorateRequest('principal', null)
  server.get('/down', () => {
    throw Object.assign(new Error('terminating connection'), { code: '57P01' })
  })
  const answer = await server.inject({ method: 'GET', url: '/down' })
  expect(answer.statusCode).toBe(503)
  expect(answer.headers['retry-after']).toBe('1')
  expect(answer.json().error.code).toBe('store_unavailable')
})

test('each request is one line with its route pattern, and no query, token or body', async () => {
  lines.length = 0
  const answer = await api.post('/affiliates?x=in-the-query', { name: 'in-the-body' })
  await api.call({ method: 'GET', url: '/postback/in-the-path?clickid=in-the-query' })
  const logged = lines.map((line) => JSON.parse(line))
  expect(logged).toHaveLength(2)
  expect(logged[0]).toMatchObject({
    request_id: answer.headers['x-request-id'],
    method: 'POST',
    route: '/v1/affiliates',
    status: answer.status,
    ms: expect.any(Number),
    principal: 'ADMIN_KEY',
  })
  expect(logged[1]).toMatchObject({ method: 'GET', route: '/postback/:token', status: 401 })
  expect(lines.join('')).not.toMatch(/in-the-|admin-key/)
})

test('the OpenAPI document has every route of the contract and is shown at /docs from this server alone', async () => {
  const { json } = await api.call({ method: 'GET', url: '/openapi.json' })
  expect(json.openapi).toBe('3.1.0')
  expect(Object.keys(json.paths)).toEqual(
    expect.arrayContaining([
      '/postback/{token}',
      '/click',
      '/v1/advertisers',
      '/v1/advertisers/{id}',
      '/v1/advertisers/{id}/rotate-token',
      '/v1/offers/{id}',
      '/v1/affiliates/{id}',
      '/v1/destinations/{id}/pause',
      '/v1/clicks',
      '/v1/conversions',
      '/v1/deliveries/{id}/replay',
      '/v1/trace',
      '/v1/ledger',
      '/v1/keys',
    ]),
  )
  expect((await api.call({ method: 'GET', url: '/docs' })).status).toBe(301)
  const page = await api.call({ method: 'GET', url: '/docs/' })
  expect(page.status).toBe(200)
  expect(page.headers['content-security-policy']).toContain("connect-src 'self'")
  expect(page.text.match(/(?:src|href)="[^"]*"/g)).toEqual(['src="js/scalar.js"'])
  const script = await api.call({ method: 'GET', url: '/docs/js/scalar.js' })
  expect(script.status).toBe(200)
  expect(script.text.length).toBeGreaterThan(1_000_000)
  expect((await api.call({ method: 'GET', url: '/docs/nothing' })).status).toBe(404)
})

test('answers of the API may load nothing and are not sniffed', async () => {
  const { headers } = await api.get('/affiliates')
  expect(headers['content-security-policy']).toBe("default-src 'none';frame-ancestors 'none'")
  expect(headers['x-content-type-options']).toBe('nosniff')
})

test('a request on a kept connection is still served while the server closes, and ends the connection', async () => {
  const server = buildServer(api.ctx)
  server.decorateRequest('principal', null)
  let release = (): void => undefined
  server.get('/slow', () => new Promise((resolve) => (release = () => resolve({ slow: true }))))
  server.get('/late', () => ({ late: true }))
  await server.listen({ port: 0, host: '127.0.0.1' })
  const { port: ownPort } = server.server.address() as { port: number }
  const socket = connect(ownPort, '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  const started = once(server.server, 'request')
  socket.write('GET /slow HTTP/1.1\r\nhost: a\r\n\r\n')
  await started
  const closing = server.close()
  socket.write('GET /late HTTP/1.1\r\nhost: a\r\n\r\n')
  await once(server.server, 'request')
  release()
  await once(socket, 'close')
  await closing
  const text = Buffer.concat(chunks).toString()
  expect(text).toContain('{"slow":true}')
  expect(text).toContain('{"late":true}')
  expect(text.toLowerCase()).toContain('connection: close')
})

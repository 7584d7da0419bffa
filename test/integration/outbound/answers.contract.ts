import { randomBytes } from 'node:crypto'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import {
  answerWith,
  drip,
  dripHead,
  FLOOD_BYTES,
  flood,
  gzipBomb,
  hang,
  hangAfterHead,
  hugeHead,
  ok,
  onRequest,
  reset,
} from '../../support/hostile-receivers.ts'
import { asAnswer, asFailure, createHarness, get, type Harness, type HttpClient } from './harness.ts'

const KIB = 1024

/** What every client does with what receivers answer. */
export function describeAnswers(client: HttpClient): void {
  let harness: Harness
  beforeEach(() => {
    harness = createHarness(client)
  })
  afterEach(() => harness.close())

  const sendTo = async (behave: Parameters<Harness['receiver']>[0], rest: Parameters<typeof get>[1] = {}) => {
    const receiver = await harness.receiver(behave)
    const outcome = await harness.outbound().send(get(`http://127.0.0.1:${receiver.port}/p`, rest))
    return { receiver, outcome }
  }

  describe(`${client}: answers`, () => {
    test('status, headers, body, address and times of an answer are told', async () => {
      const { outcome } = await sendTo(
        answerWith(ok('fine', 'X-Id: 7\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n')),
      )
      const { answer, timings, remoteIp } = asAnswer(outcome)
      expect(answer).toMatchObject({ status: 200, body: 'fine', bodyTruncated: false })
      expect(answer.headers).toMatchObject({ 'x-id': '7', 'set-cookie': 'a=1, b=2' })
      expect(remoteIp).toBe('127.0.0.1')
      expect(timings).toMatchObject({ dns: null, tls: null })
      expect(timings.tcp).toBeGreaterThanOrEqual(0)
      expect(timings.first_byte).toBeGreaterThan(0)
      expect(timings.total).toBeGreaterThanOrEqual(timings.first_byte ?? Number.NaN)
    })

    test('the request arrives as it was given', async () => {
      const { receiver } = await sendTo(answerWith(ok()), {
        method: 'POST',
        body: 'naïve=1',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'X-Sig': 'abc' },
      })
      const request = receiver.requests[0] ?? ''
      expect(request).toMatch(/^POST \/p HTTP\/1\.1\r\n/)
      expect(request).toMatch(/\r\nhost: 127\.0\.0\.1:\d+\r\n/i)
      expect(request).toMatch(/\r\ncontent-length: 8\r\n/i)
      expect(request).toContain('x-sig: abc')
      expect(request).toContain('user-agent: postback-relay/0.0.0')
      expect(Buffer.from(request, 'latin1').toString('utf8')).toMatch(/\r\n\r\nnaïve=1$/)
    })

    test("the caller's user agent and a query that is no UTF-8 are kept", async () => {
      const receiver = await harness.receiver(answerWith(ok()))
      const url = `http://127.0.0.1:${receiver.port}/p?name=%E4%20x&raw=a'b#part`
      await harness.outbound().send(get(url, { headers: { 'User-Agent': 'mine/1' } }))
      expect(receiver.requests[0]).toContain('GET /p?name=%E4%20x&raw=a%27b HTTP/1.1')
      expect(receiver.requests[0]).toContain('user-agent: mine/1')
      expect(receiver.requests[0]).not.toContain('postback-relay')
    })

    test.each([204, 301, 404, 410, 500])('a %i is an answer', async (status) => {
      const { outcome } = await sendTo(answerWith(`HTTP/1.1 ${status} X\r\nContent-Length: 0\r\n\r\n`))
      expect(asAnswer(outcome).answer).toMatchObject({ status, body: '' })
    })

    test('a redirect to itself is told with its target and not followed', async () => {
      const { outcome, receiver } = await sendTo(
        answerWith('HTTP/1.1 302 Found\r\nLocation: /p\r\nContent-Length: 0\r\n\r\n'),
      )
      expect(asAnswer(outcome).answer).toMatchObject({ status: 302, headers: { location: '/p' } })
      expect(receiver.requests).toHaveLength(1)
    })

    test('of a header that has one value the first counts, others are joined', async () => {
      const lines =
        'Retry-After: 5\r\nRetry-After: 60\r\nLocation: /a\r\nLocation: /b\r\nX-A: 1\r\nX-A: 2\r\n'
      const { outcome } = await sendTo(answerWith(ok('', lines)))
      expect(asAnswer(outcome).answer.headers).toMatchObject({
        'retry-after': '5',
        location: '/a',
        'x-a': '1, 2',
      })
    })

    test.each([
      ['HTTP/1.0 without a length', 'HTTP/1.0 200 OK\r\n\r\nOK'],
      ['HTTP/1.1 without a length', 'HTTP/1.1 200 OK\r\n\r\nOK'],
      ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nO\r\n1\r\nK\r\n0\r\n\r\n'],
      ['early hints first', `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${ok()}`],
    ])('an answer with %s is read', async (_what, answer) => {
      const { outcome } = await sendTo(answerWith(answer, { end: true }))
      expect(asAnswer(outcome).answer).toMatchObject({ status: 200, body: 'OK', bodyTruncated: false })
    })

    test.each([
      ['gzip', gzipSync('zipped')],
      ['x-gzip', gzipSync('zipped')],
      ['deflate', deflateSync('zipped')],
      ['deflate', deflateRawSync('zipped')],
      ['br', brotliCompressSync('zipped')],
      ['zstd', zstdCompressSync('zipped')],
    ])('a body compressed with %s is unpacked', async (encoding, body) => {
      const head = `HTTP/1.1 200 OK\r\nContent-Encoding: ${encoding}\r\nContent-Length: ${body.length}\r\n\r\n`
      const { outcome } = await sendTo(answerWith(Buffer.concat([Buffer.from(head), body])))
      expect(asAnswer(outcome).answer).toMatchObject({ body: 'zipped', bodyTruncated: false })
    })

    test.each(['gzip', 'deflate', 'br', 'zstd', 'nonsense', 'gzip, br'])(
      'a body that is not %s as it claims stays as it came',
      async (encoding) => {
        const { outcome } = await sendTo(answerWith(ok('plain text', `Content-Encoding: ${encoding}\r\n`)))
        expect(asAnswer(outcome).answer).toMatchObject({ status: 200, body: 'plain text' })
      },
    )

    test('bytes that no text column can hold become U+FFFD', async () => {
      const body = Buffer.from([0x61, 0x00, 0xff, 0xc3, 0xbc])
      const head = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n')
      const { outcome } = await sendTo(answerWith(Buffer.concat([head, body])))
      expect(asAnswer(outcome).answer.body).toBe('a\ufffd\ufffdü')
    })

    test('a body of exactly the limit is whole, a longer one is cut without half a character', async () => {
      const whole = 'x'.repeat(64 * KIB)
      const exact = await sendTo(answerWith(ok(whole)))
      expect(asAnswer(exact.outcome).answer).toEqual(
        expect.objectContaining({ body: whole, bodyTruncated: false }),
      )
      const long = await sendTo(answerWith(ok(`x${'ü'.repeat(40 * KIB)}`)))
      const { body, bodyTruncated } = asAnswer(long.outcome).answer
      expect({ bodyTruncated, length: body.length }).toEqual({ bodyTruncated: true, length: 32 * KIB })
      expect(body).not.toContain('\ufffd')
    })
  })

  describe(`${client}: hostile answers`, () => {
    test.each([
      ['kept open', ''],
      ['closed', 'Connection: close\r\n'],
    ])(
      'a Content-Length that counts letters and not bytes still leaves an answer, on a connection that is %s',
      async (_what, header) => {
        const head = `HTTP/1.1 200 OK\r\n${header}Content-Length: 7\r\n\r\n`
        const { outcome } = await sendTo(answerWith(`${head}Принято`))
        expect(asAnswer(outcome).answer).toMatchObject({ status: 200, body: 'При\ufffd' })
      },
    )

    test.each([
      ['gzip', gzipSync],
      ['br', brotliCompressSync],
    ])('an answer whose packed %s is over the limit is an answer, cut', async (encoding, pack) => {
      const body = pack(randomBytes(200 * KIB).toString('base64'))
      const head = `HTTP/1.1 200 OK\r\nContent-Encoding: ${encoding}\r\nContent-Length: ${body.length}\r\n\r\n`
      const { outcome } = await sendTo(answerWith(Buffer.concat([Buffer.from(head), body])))
      expect(asAnswer(outcome).answer).toMatchObject({ status: 200, bodyTruncated: true })
    })

    test('an answer of 100 MB is cut, its connection closed, and memory stays flat', async () => {
      const receiver = await harness.receiver(flood)
      const outbound = harness.outbound()
      const rssBefore = process.memoryUsage().rss
      const url = `http://127.0.0.1:${receiver.port}/`
      const outcomes = await Promise.all(Array.from({ length: 10 }, () => outbound.send(get(url))))
      for (const outcome of outcomes) {
        const { answer, timings } = asAnswer(outcome)
        expect(answer.body).toHaveLength(64 * KIB)
        expect(answer.bodyTruncated).toBe(true)
        expect(timings.total).toBeLessThan(1500)
      }
      await eventually(() => expect(receiver.open).toBe(0))
      expect(process.memoryUsage().rss - rssBefore).toBeLessThan(FLOOD_BYTES)
    })

    test('a gzip bomb is unpacked up to the limit only', async () => {
      const receiver = await harness.receiver(gzipBomb())
      const outbound = harness.outbound()
      const rssBefore = process.memoryUsage().rss
      const url = `http://127.0.0.1:${receiver.port}/`
      const outcomes = await Promise.all(Array.from({ length: 10 }, () => outbound.send(get(url))))
      for (const outcome of outcomes)
        expect(asAnswer(outcome).answer).toMatchObject({ bodyTruncated: true, status: 200 })
      expect(process.memoryUsage().rss - rssBefore).toBeLessThan(100 * KIB * KIB)
    })

    test.each([
      ['says nothing', hang, 'no answer'],
      ['hangs after the head', hangAfterHead, 'the answer was not complete'],
      ['drips a byte of the body at a time', drip, 'the answer was not complete'],
      ['drips a header at a time', dripHead, 'no answer'],
    ])(
      'a receiver that %s ends at the total time, and its connection is closed',
      async (_what, behave, detail) => {
        const { outcome, receiver } = await sendTo(behave, { timeoutMs: 400 })
        const failure = asFailure(outcome)
        expect(failure).toMatchObject({ error: 'timeout', detail: `${detail} within 400 ms` })
        expect(failure.timings.total).toBeGreaterThan(350)
        expect(failure.timings.total).toBeLessThan(900)
        expect(failure.remoteIp).toBe('127.0.0.1')
        await eventually(() => expect(receiver.open).toBe(0))
      },
    )

    test.each([
      ['resets the connection', reset],
      ['closes without a word', onRequest((socket) => socket.end())],
      ['closes within the head', answerWith('HTTP/1.1 200 OK\r\nContent-Le', { end: true })],
      [
        'closes within the body',
        answerWith('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf', { end: true }),
      ],
      [
        'closes within a chunk',
        answerWith('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nhalf', { end: true }),
      ],
    ])('a receiver that %s is a connection_reset, and the call is not sent again', async (_what, behave) => {
      const { outcome, receiver } = await sendTo(behave)
      expect(asFailure(outcome)).toMatchObject({
        error: 'connection_reset',
        detail: 'the receiver closed the connection before its answer was complete',
      })
      expect(receiver.requests).toHaveLength(1)
    })

    test.each([
      ['garbage', answerWith('SSH-2.0-OpenSSH_9.2\r\n\r\n')],
      ['binary garbage', answerWith(Buffer.alloc(2000, 0xfe))],
      ['a megabyte of headers', hugeHead],
      ['two lengths', answerWith('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nOK!')],
      ['another protocol', answerWith('HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n')],
    ])('%s is a bad_answer', async (_what, behave) => {
      const { outcome, receiver } = await sendTo(behave)
      expect(asFailure(outcome)).toMatchObject({ error: 'bad_answer' })
      await eventually(() => expect(receiver.open).toBe(0))
    })
  })
}

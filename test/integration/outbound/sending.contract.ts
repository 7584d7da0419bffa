import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startConnectProxy } from '../../support/connect-proxy.ts'
import { answerWith, ok } from '../../support/hostile-receivers.ts'
import { asAnswer, asFailure, createHarness, get, type Harness, type HttpClient } from './harness.ts'

/** When every client writes a request, and over which way. */
export function describeSending(client: HttpClient): void {
  let harness: Harness
  beforeEach(() => {
    harness = createHarness(client)
  })
  afterEach(() => harness.close())

  describe(`${client}: the moment of sending`, () => {
    const allowing = (answers: boolean[]) => {
      const asked: boolean[] = []
      return { asked, mayStart: () => asked.push(true) > 0 && (answers[asked.length - 1] ?? false) }
    }

    test('a call that may not start connects to nobody', async () => {
      const receiver = await harness.receiver(answerWith(ok()))
      const outcome = await harness
        .outbound()
        .send(get(`http://127.0.0.1:${receiver.port}/`, { mayStart: () => false }))
      expect(outcome).toEqual({ kind: 'not_sent' })
      expect(receiver.connections).toBe(0)
    })

    test.each(['http', 'https'] as const)(
      'a call over %s that may no longer start when it is connected writes nothing of its request',
      async (protocol) => {
        const receiver = await harness.receiver(answerWith(ok()), {
          ...(protocol === 'https' && { certificate: 'tracker' as const }),
        })
        const { asked, mayStart } = allowing([true, false])
        const outbound = harness.outbound()
        const url = `${protocol}://tracker.test:${receiver.port}`
        expect(await outbound.send(get(`${url}/first`, { mayStart }))).toEqual({ kind: 'not_sent' })
        expect(asked).toHaveLength(2)
        expect(asAnswer(await outbound.send(get(`${url}/second`))).answer.status).toBe(200)
        expect(receiver.requests.map((request) => request.split(' ')[1])).toEqual(['/second'])
        expect(receiver.bytesRead).toBe(receiver.requests[0]?.length)
      },
    )

    test('a POST that may no longer start on a kept connection writes nothing', async () => {
      const receiver = await harness.receiver(answerWith(ok()))
      const outbound = harness.outbound()
      const url = `http://127.0.0.1:${receiver.port}/`
      await outbound.send(get(url))
      const bytesBefore = receiver.bytesRead
      const { mayStart } = allowing([true, false])
      expect(await outbound.send(get(url, { method: 'POST', body: 'x=1', mayStart }))).toEqual({
        kind: 'not_sent',
      })
      expect(asAnswer(await outbound.send(get(url))).answer.status).toBe(200)
      expect(receiver.requests).toHaveLength(2)
      expect(receiver.bytesRead - bytesBefore).toBe(receiver.requests[1]?.length)
    })

    test.each([null, ''])('a POST with body %j goes out with an empty body', async (body) => {
      const receiver = await harness.receiver(answerWith(ok()))
      const url = `http://127.0.0.1:${receiver.port}/`
      const sent = harness.outbound().send(get(url, { method: 'POST', body, timeoutMs: 1000 }))
      expect(asAnswer(await sent).answer.status).toBe(200)
      expect(receiver.requests[0]).toMatch(/^POST \/ HTTP\/1\.1\r\n/)
      expect(receiver.requests[0]?.toLowerCase()).toContain('content-length: 0\r\n')
    })

    test('a call that timed out while it connected is never written afterwards', async () => {
      const receiver = await harness.receiver(answerWith(ok()))
      let answerLate = (_addresses: string[]) => {}
      const outbound = harness.outbound({
        resolve: () =>
          new Promise((resolve) => {
            answerLate = resolve
          }),
      })
      const outcome = await outbound.send(get(`http://tracker.test:${receiver.port}/`, { timeoutMs: 100 }))
      expect(asFailure(outcome)).toMatchObject({
        error: 'connect_timeout',
        detail: 'no connection within 100 ms',
      })
      answerLate(['127.0.0.1'])
      expect(
        asAnswer(await outbound.send(get(`http://tracker.test:${receiver.port}/second`))).answer.status,
      ).toBe(200)
      expect(receiver.requests.map((request) => request.split(' ')[1])).toEqual(['/second'])
    })

    test.each([
      ['another protocol', { url: 'ftp://tracker.test/' }],
      ['no URL', { url: 'tracker.test/postback' }],
      ['credentials in the URL', { url: 'http://user:pass@tracker.test/' }],
      ['a line break in a header', { headers: { 'x-a': 'b\r\nx-c: d' } }],
      ['a header that is no name', { headers: { 'x a': 'b' } }],
      ['a header of the connection', { headers: { 'Transfer-Encoding': 'chunked' } }],
      ['a Host of its own', { headers: { host: 'other.test' } }],
    ])('a request with %s is invalid_request and never sent', async (_what, rest) => {
      const receiver = await harness.receiver(answerWith(ok()))
      const outcome = await harness
        .outbound()
        .send({ ...get(`http://tracker.test:${receiver.port}/`), ...rest })
      expect(asFailure(outcome).error).toBe('invalid_request')
      expect(receiver.connections).toBe(0)
    })
  })

  describe(`${client}: egress proxy`, () => {
    test.each(['http', 'https'] as const)(
      'the proxy is asked for the vetted address over %s; only the receiver hears the name',
      async (protocol) => {
        const proxy = await startConnectProxy()
        harness.closeLater(proxy)
        const receiver = await harness.receiver(answerWith(ok()), {
          ...(protocol === 'https' && { certificate: 'tracker' as const }),
        })
        const outbound = harness.outbound({ proxy: `http://me:s%20ecret@127.0.0.1:${proxy.port}` })
        const url = `${protocol}://tracker.test:${receiver.port}/`
        const { answer, remoteIp } = asAnswer(await outbound.send(get(url)))
        await outbound.send(get(url))
        expect({ status: answer.status, remoteIp }).toEqual({ status: 200, remoteIp: '127.0.0.1' })
        expect(proxy.authorities).toEqual([`127.0.0.1:${receiver.port}`])
        expect(proxy.authorizations).toEqual([`Basic ${Buffer.from('me:s ecret').toString('base64')}`])
        expect(receiver.requests[0]).toMatch(/\r\nhost: tracker\.test:\d+\r\n/i)
        expect(receiver.requests[0]).not.toContain('Basic')
      },
    )

    test('a private address is refused before the proxy is asked', async () => {
      const proxy = await startConnectProxy()
      harness.closeLater(proxy)
      const outbound = harness.outbound({
        proxy: `http://127.0.0.1:${proxy.port}`,
        allow: [],
        resolve: async () => ['10.0.0.1'],
      })
      expect(asFailure(await outbound.send(get('http://tracker.test/'))).error).toBe('address_not_public')
      expect(proxy.authorities).toEqual([])
    })

    test.each([
      ['refuses', { answer: 'HTTP/1.1 403 Forbidden\r\n\r\n' }, 'connect_failed', 'the proxy answered 403'],
      [
        'answers garbage',
        { answer: 'what?\r\n\r\n' },
        'connect_failed',
        'proxy: the answer is not valid HTTP',
      ],
      ['says nothing', { silent: true }, 'connect_timeout', 'the proxy did not connect'],
    ])('a proxy that %s fails the call in time', async (_what, options, error, detail) => {
      const proxy = await startConnectProxy(options)
      harness.closeLater(proxy)
      const outbound = harness.outbound({ proxy: `http://127.0.0.1:${proxy.port}`, timeoutMs: 600 })
      const failure = asFailure(await outbound.send(get('http://tracker.test/', { timeoutMs: 600 })))
      expect(failure.error).toBe(error)
      expect(failure.detail).toContain(detail)
    })
  })
}

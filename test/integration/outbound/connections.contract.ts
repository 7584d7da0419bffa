import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startConnectProxy } from '../../support/connect-proxy.ts'
import { eventually } from '../../support/eventually.ts'
import { heapBytes } from '../../support/heap.ts'
import { answerWith, hang, ok, onRequest } from '../../support/hostile-receivers.ts'
import { asAnswer, asFailure, createHarness, get, type Harness, type HttpClient } from './harness.ts'

/** What every client does about addresses, TLS, kept connections and the moment of sending. */
export function describeConnections(client: HttpClient): void {
  let harness: Harness
  beforeEach(() => {
    harness = createHarness(client)
  })
  afterEach(() => harness.close())

  describe(`${client}: addresses`, () => {
    test.each([
      '127.0.0.1',
      'localhost',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '2130706433',
      '169.254.169.254',
      '0x7f.1',
    ])('%s is not called', async (host) => {
      const receiver = await harness.receiver(answerWith(ok()))
      const outbound = harness.outbound({ allow: [] })
      const outcome = await outbound.send(get(`http://${host}:${receiver.port}/`))
      expect(asFailure(outcome).error).toBe('address_not_public')
      expect(receiver.connections).toBe(0)
    })

    test.each([
      ['a private address', ['10.0.0.1']],
      ['a private address among public ones', ['8.8.8.8', '10.0.0.1']],
      ['a loopback IPv6 address', ['::1']],
    ])('a name that leads to %s is not called', async (_what, addresses) => {
      const outbound = harness.outbound({ resolve: async () => addresses })
      const failure = asFailure(await outbound.send(get('http://tracker.test/')))
      expect(failure.error).toBe('address_not_public')
      expect(failure.detail).toContain('tracker.test leads to')
      expect(failure.remoteIp).toBeNull()
    })

    test('the address dialled is the one that was vetted, whatever the name says next', async () => {
      const vetted = await harness.receiver(answerWith(ok('vetted')))
      const other = await harness.receiver(answerWith(ok('other')), { host: '127.0.0.2', port: vetted.port })
      let asked = 0
      const outbound = harness.outbound({
        allow: ['127.0.0.1/32'],
        resolve: async () => (asked++ === 0 ? ['127.0.0.1'] : ['127.0.0.2']),
      })
      const { answer, remoteIp } = asAnswer(await outbound.send(get(`http://tracker.test:${vetted.port}/`)))
      expect({ body: answer.body, remoteIp, asked }).toEqual({
        body: 'vetted',
        remoteIp: '127.0.0.1',
        asked: 1,
      })
      expect(vetted.requests[0]).toMatch(/\r\nhost: tracker\.test:\d+\r\n/i)
      expect(other.connections).toBe(0)
    })

    test('a second address is tried where nothing listens at the first', async () => {
      const receiver = await harness.receiver(answerWith(ok()))
      const outbound = harness.outbound({ resolve: async () => ['127.0.0.3', '127.0.0.1'] })
      const outcome = await outbound.send(get(`http://tracker.test:${receiver.port}/`))
      expect(asAnswer(outcome).remoteIp).toBe('127.0.0.1')
    })

    test('nothing listening is connect_failed with its reason', async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      const address = server.address()
      server.close()
      await once(server, 'close')
      const port = typeof address === 'object' ? address?.port : 0
      const failure = asFailure(await harness.outbound().send(get(`http://127.0.0.1:${port}/`)))
      expect(failure).toMatchObject({
        error: 'connect_failed',
        detail: 'connection refused',
        remoteIp: '127.0.0.1',
      })
    })

    test('an unknown name is dns_failed with its reason', async () => {
      const resolve = async () => {
        throw Object.assign(new Error('queryA ENOTFOUND tracker.test'), { code: 'ENOTFOUND' })
      }
      const failure = asFailure(await harness.outbound({ resolve }).send(get('http://tracker.test/')))
      expect(failure).toMatchObject({ error: 'dns_failed', detail: 'tracker.test: no such host' })
    })

    test('a name server that never answers ends the call, and others go on', async () => {
      const receiver = await harness.receiver(answerWith(ok()))
      const outbound = harness.outbound({
        timeoutMs: 400,
        resolve: (name) => (name === 'dead.test' ? new Promise(() => {}) : Promise.resolve(['127.0.0.1'])),
      })
      const [dead, alive] = await Promise.all([
        outbound.send(get('http://dead.test/')),
        outbound.send(get(`http://tracker.test:${receiver.port}/`)),
      ])
      expect(asFailure(dead).error).toBe('dns_failed')
      expect(asAnswer(alive).answer.status).toBe(200)
    })
  })

  describe(`${client}: TLS`, () => {
    test('a valid certificate for the name is accepted, and TLS has its own time', async () => {
      const receiver = await harness.receiver(answerWith(ok()), { certificate: 'tracker' })
      const { answer, timings } = asAnswer(
        await harness.outbound().send(get(`https://tracker.test:${receiver.port}/`)),
      )
      expect(answer.status).toBe(200)
      expect(timings.tls).toBeGreaterThan(0)
      expect(timings.dns).toBeGreaterThanOrEqual(0)
    })

    test('a certificate for a literal address is accepted', async () => {
      const receiver = await harness.receiver(answerWith(ok()), { certificate: 'tracker' })
      const outcome = await harness.outbound().send(get(`https://127.0.0.1:${receiver.port}/`))
      expect(asAnswer(outcome).answer.status).toBe(200)
    })

    test.each([
      ['expired', 'the certificate expired on 2020-03-01'],
      ['self-signed', 'the certificate is self-signed'],
      ['other-name', 'the certificate is not for tracker.test'],
    ] as const)(
      'a certificate that is %s is refused before a byte of the request',
      async (certificate, detail) => {
        const receiver = await harness.receiver(answerWith(ok()), { certificate })
        const outcome = await harness.outbound().send(get(`https://tracker.test:${receiver.port}/`))
        expect(asFailure(outcome)).toMatchObject({ error: 'tls_failed', detail, remoteIp: '127.0.0.1' })
        expect(receiver.bytesRead).toBe(0)
      },
    )

    test('a resumed session is still only for the origin it came from', async () => {
      const good = await harness.receiver(
        onRequest((socket) => socket.end(ok('', 'Connection: close\r\n'))),
        { certificate: 'tracker' },
      )
      const bad = await harness.receiver(answerWith(ok()), { certificate: 'other-name' })
      const outbound = harness.outbound()
      for (let n = 0; n < 3; n++)
        expect(asAnswer(await outbound.send(get(`https://tracker.test:${good.port}/`))).answer.status).toBe(
          200,
        )
      expect(asFailure(await outbound.send(get(`https://tracker.test:${bad.port}/`))).error).toBe(
        'tls_failed',
      )
    })

    test('a TLS handshake that never ends is a connect_timeout before the total time', async () => {
      const receiver = await harness.receiver(hang)
      const outbound = harness.outbound({ timeoutMs: 800 })
      const outcome = await outbound.send(get(`https://tracker.test:${receiver.port}/`, { timeoutMs: 800 }))
      const failure = asFailure(outcome)
      expect(failure.error).toBe('connect_timeout')
      expect(failure.detail).toContain('TLS handshake')
      expect(failure.timings.total).toBeLessThan(700)
      await eventually(() => expect(receiver.open).toBe(0))
    })

    test('plain HTTP on the port is named', async () => {
      const receiver = await harness.receiver((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
      const failure = asFailure(await harness.outbound().send(get(`https://tracker.test:${receiver.port}/`)))
      expect(failure).toMatchObject({
        error: 'tls_failed',
        detail: 'the receiver does not speak TLS on this port',
      })
    })
  })

  describe(`${client}: kept connections`, () => {
    test('calls one after the other share a connection, and only the first has connection times', async () => {
      const receiver = await harness.receiver(answerWith(ok()))
      const outbound = harness.outbound()
      const url = `http://tracker.test:${receiver.port}/`
      const first = asAnswer(await outbound.send(get(url)))
      const later = [asAnswer(await outbound.send(get(url))), asAnswer(await outbound.send(get(url)))]
      expect(receiver.connections).toBe(1)
      expect(first.timings.tcp).not.toBeNull()
      for (const { timings, remoteIp } of later) {
        expect(timings).toMatchObject({ dns: null, tcp: null, tls: null })
        expect(remoteIp).toBe('127.0.0.1')
      }
    })

    test('TLS connections are kept too', async () => {
      const receiver = await harness.receiver(answerWith(ok()), { certificate: 'tracker' })
      const outbound = harness.outbound()
      const url = `https://tracker.test:${receiver.port}/`
      for (let n = 0; n < 3; n++) expect(asAnswer(await outbound.send(get(url))).answer.status).toBe(200)
      expect(receiver.connections).toBe(1)
    })

    test('calls at the same time each have their own connection', async () => {
      const receiver = await harness.receiver(answerWith(ok()))
      const outbound = harness.outbound()
      const url = `http://127.0.0.1:${receiver.port}/`
      const outcomes = await Promise.all(Array.from({ length: 20 }, () => outbound.send(get(url))))
      for (const outcome of outcomes) expect(asAnswer(outcome).answer.body).toBe('OK')
      expect(receiver.requests).toHaveLength(20)
    })

    test.each([
      ['says that it closes', ok('OK', 'Connection: close\r\n'), true],
      ['closes without saying so', ok(), true],
      ['speaks HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nOK', true],
      ['keeps connections for a second only', ok('OK', 'Keep-Alive: timeout=1\r\n'), false],
    ])('a receiver that %s gets each call on a new connection', async (_what, answer, end) => {
      const receiver = await harness.receiver(answerWith(answer, { end }))
      const outbound = harness.outbound()
      for (let n = 1; n <= 3; n++) {
        const outcome = await outbound.send(get(`http://127.0.0.1:${receiver.port}/`))
        expect(asAnswer(outcome).answer.status).toBe(200)
        await eventually(() => expect(receiver.open).toBe(0), { everyMs: 5 })
      }
      expect(receiver.connections).toBe(3)
    })

    test('a kept connection that breaks under the second call is a connection_reset, never a second send', async () => {
      const receiver = await harness.receiver(
        onRequest((socket, n) => (n === 2 ? socket.resetAndDestroy() : socket.write(ok()))),
      )
      const outbound = harness.outbound()
      const url = `http://127.0.0.1:${receiver.port}/`
      expect(asAnswer(await outbound.send(get(url))).answer.status).toBe(200)
      expect(asFailure(await outbound.send(get(url))).error).toBe('connection_reset')
      expect(receiver.requests).toHaveLength(2)
      expect(asAnswer(await outbound.send(get(url))).answer.status).toBe(200)
      expect(receiver.requests).toHaveLength(3)
    })

    test('bytes that a receiver sends unasked are not taken for the next answer', async () => {
      const receiver = await harness.receiver(
        onRequest((socket, n) => socket.write(n === 1 ? ok('first') + ok('unasked') : ok('second'))),
      )
      const outbound = harness.outbound()
      const url = `http://127.0.0.1:${receiver.port}/`
      expect(asAnswer(await outbound.send(get(url))).answer.body).toBe('first')
      const next = await outbound.send(get(url))
      if (next.kind === 'answer') expect(next.answer.body).toBe('second')
      else expect(asFailure(next).error).toMatch(/^(connection_reset|bad_answer)$/)
    })

    test('a connection that outstayed its time while the process stood still is not used', async () => {
      const receiver = await harness.receiver(answerWith(ok('OK', 'Keep-Alive: timeout=2\r\n')))
      const outbound = harness.outbound()
      const url = `http://127.0.0.1:${receiver.port}/`
      await outbound.send(get(url))
      await outbound.send(get(url))
      expect(receiver.connections).toBe(1)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1100)
      await outbound.send(get(url))
      expect(receiver.connections).toBe(2)
    })

    test('an idle connection is closed after a few seconds', async () => {
      const receiver = await harness.receiver(answerWith(ok()))
      await harness.outbound().send(get(`http://127.0.0.1:${receiver.port}/`))
      expect(receiver.open).toBe(1)
      await eventually(() => expect(receiver.open).toBe(0), { timeoutMs: 7000 })
    })

    test('thousands of connections leave nothing in memory', async () => {
      const receiver = await harness.receiver(answerWith(ok(), { end: true }))
      const outbound = harness.outbound()
      const url = `http://127.0.0.1:${receiver.port}/`
      const sendMany = async (calls: number) => {
        for (let n = 0; n < calls; n += 20)
          await Promise.all(Array.from({ length: 20 }, () => outbound.send(get(url))))
        receiver.requests.length = 0
        await eventually(() => expect(receiver.open).toBe(0))
        return heapBytes()
      }
      const before = await sendMany(400)
      expect((await sendMany(2000)) - before).toBeLessThan(4 * 1024 * 1024)
    })

    test('closing the client ends a connection that is being made', async () => {
      const receiver = await harness.receiver(hang)
      const outbound = harness.outbound()
      const underWay = outbound.send(get(`https://tracker.test:${receiver.port}/`))
      await eventually(() => expect(receiver.bytesRead).toBeGreaterThan(0))
      await outbound.close()
      expect(asFailure(await underWay)).toMatchObject({ error: 'connection_reset' })
    })

    test('closing the client closes its connections and ends calls under way', async () => {
      const kept = await harness.receiver(answerWith(ok()))
      const hanging = await harness.receiver(hang)
      const outbound = harness.outbound()
      await outbound.send(get(`http://127.0.0.1:${kept.port}/`))
      const underWay = outbound.send(get(`http://127.0.0.1:${hanging.port}/`))
      await eventually(() => expect(hanging.bytesRead).toBeGreaterThan(0))
      await outbound.close()
      expect(asFailure(await underWay).error).toBe('connection_reset')
      await eventually(() => expect(kept.open + hanging.open).toBe(0))
    })
  })

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

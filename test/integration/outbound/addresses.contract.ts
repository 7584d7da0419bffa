import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { answerWith, hang, ok, onRequest } from '../../support/hostile-receivers.ts'
import { asAnswer, asFailure, createHarness, get, type Harness, type HttpClient } from './harness.ts'

/** Whom every client calls: vetted addresses and valid certificates only. */
export function describeAddresses(client: HttpClient): void {
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

    test('a receiver that wants a certificate of the caller, and says so after the handshake, is no unknown error', async () => {
      const receiver = await harness.receiver(answerWith(ok()), { certificate: 'tracker', mutual: true })
      const outcome = await harness.outbound().send(get(`https://tracker.test:${receiver.port}/`))
      const failure = asFailure(outcome)
      expect(failure.error).toBe('connection_reset')
      expect(failure.detail).toMatch(/^the receiver (closed|broke) the (encrypted )?connection/)
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
}

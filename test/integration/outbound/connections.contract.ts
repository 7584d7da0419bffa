import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { heapBytes } from '../../support/heap.ts'
import { answerWith, hang, ok, onRequest } from '../../support/hostile-receivers.ts'
import { asAnswer, asFailure, createHarness, get, type Harness, type HttpClient } from './harness.ts'

/** How every client keeps, uses and closes connections. */
export function describeConnections(client: HttpClient): void {
  let harness: Harness
  beforeEach(() => {
    harness = createHarness(client)
  })
  afterEach(() => harness.close())

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

    test('a burst of calls leaves its connections for the next one', async () => {
      const receiver = await harness.receiver(answerWith(ok()))
      const outbound = harness.outbound()
      const url = `http://127.0.0.1:${receiver.port}/`
      const burst = () => Promise.all(Array.from({ length: 128 }, () => outbound.send(get(url))))
      await burst()
      const opened = receiver.connections
      await burst()
      expect(receiver.connections).toBe(opened)
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
}

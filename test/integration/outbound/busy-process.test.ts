import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startReceiverThread } from '../../support/receiver-thread.ts'
import { createHarness, get, type Harness } from './harness.ts'

const TIMEOUT_MS = 400

/** This thread does nothing at all, as when the process is frozen or gets no processor. */
const standStill = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

describe.each(['got', 'undici'] as const)('%s in a process that stood still', (client) => {
  let harness: Harness
  beforeEach(() => {
    harness = createHarness(client)
  })
  afterEach(() => harness.close())

  test('an answer that came in time counts, although its reading is late', async () => {
    const receiver = await startReceiverThread(50)
    harness.closeLater(receiver)
    const arrived = receiver.arrival()
    const sent = harness.outbound().send(get(receiver.url, { timeoutMs: TIMEOUT_MS }))
    await arrived
    standStill(2 * TIMEOUT_MS)
    expect(await sent).toMatchObject({ kind: 'answer', answer: { status: 200, body: 'OK' } })
  })

  test('a call whose time is over before its connection is ready is not written', async () => {
    const receiver = await startReceiverThread(50)
    harness.closeLater(receiver)
    const sent = harness.outbound().send(get(receiver.url, { timeoutMs: TIMEOUT_MS }))
    standStill(2 * TIMEOUT_MS)
    expect(await sent).toMatchObject({ kind: 'error', error: 'connect_timeout' })
    expect(await receiver.count()).toBe(0)
  })
})

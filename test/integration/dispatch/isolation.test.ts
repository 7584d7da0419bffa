import { afterEach, expect, test } from 'vitest'
import { type DispatchRig, startDispatchRig } from '../../support/dispatch-rig.ts'
import { eventually } from '../../support/eventually.ts'
import { type Receiver, startReceiver } from '../../support/receiver.ts'

let rig: DispatchRig
let receivers: Receiver[] = []

afterEach(async () => {
  await rig?.close()
  await Promise.all(receivers.splice(0).map((receiver) => receiver.close()))
})

const TIMEOUT_MS = 8000

test('limited destinations whose tracker hangs do not keep retries of the others out of memory', async () => {
  const [living, hanging] = [await startReceiver(), await startReceiver({ replies: 'hang' })]
  receivers = [living, hanging]
  rig = await startDispatchRig({ config: { deliveryTimeoutMs: TIMEOUT_MS, leaseMs: 30_000 } })
  for (let n = 0; n < 30; n++) await rig.waitingRows(await rig.network(hanging.url, { concurrency: 1 }), 150)
  const limited = await rig.network(living.url, { concurrency: 5 })
  const direct = await rig.network(living.url)
  await rig.waitingRows(limited, 20)
  await rig.waitingRows(direct, 20, { share: 1 })
  rig.work()
  rig.sweep()
  await living.waitFor(40, TIMEOUT_MS - 1000)
}, 60_000)

test('trackers that stop to answer, with more calls than there are sockets, do not keep the others waiting', async () => {
  const [living, dying] = [await startReceiver(), await startReceiver()]
  receivers = [living, dying]
  rig = await startDispatchRig({
    config: { deliveryConcurrency: 20, deliveryTimeoutMs: TIMEOUT_MS, leaseMs: 30_000 },
  })
  const toLiving = [await rig.network(living.url), await rig.network(living.url)]
  const toDying: typeof toLiving = []
  for (let n = 0; n < 8; n++) toDying.push(await rig.network(dying.url))
  rig.work()
  rig.sweep()
  const send = async (networks: typeof toLiving, each: number): Promise<void> => {
    for (let n = 0; n < each; n++) {
      const ways = await Promise.all(networks.map((network) => rig.schedule(network)))
      await rig.travel(ways.map((way) => way.deliveryId))
    }
  }
  // All have answered, so none is held back for being unknown.
  await send([...toLiving, ...toDying], 10)
  await eventually(() => expect(living.received.length + dying.received.length).toBe(100))
  dying.reply(() => 'hang')
  await send(toDying, 8)
  await eventually(() => expect(dying.received.length).toBeGreaterThan(80 + 8))
  const sinceMs = performance.now()
  await send(toLiving, 20)
  await living.waitFor(20 + 40, TIMEOUT_MS / 2)
  expect(performance.now() - sinceMs).toBeLessThan(TIMEOUT_MS / 2)
}, 60_000)

import { expect, test } from 'vitest'
import { leaseBounds } from '../../../src/dispatch/batches.ts'
import { createLiveBatches } from '../../../src/dispatch/live-batches.ts'
import type { LiveBatch, TravellingRow } from '../../../src/dispatch/travelling.ts'
import type { QueueName } from '../../../src/queue/queues.ts'

const BOUNDS = leaseBounds({ leaseMs: 60_000, deliveryTimeoutMs: 10_000 })

function setUp() {
  let nowMs = 0
  const live = createLiveBatches(
    { now: () => new Date(nowMs), nowMs: () => nowMs, monotonicMs: () => nowMs },
    BOUNDS,
  )
  let made = 0
  const batch = (queue: QueueName, open = 100): LiveBatch => ({
    id: `batch ${made++}`,
    queue,
    released: false,
    suspect: false,
    bornAtMs: nowMs,
    leasedAtMs: nowMs,
    lost: false,
    stranded: false,
    open,
  })
  return {
    live,
    batch,
    later(ms: number) {
      nowMs += ms
    },
    async fill(queue: QueueName, batches: number): Promise<LiveBatch[]> {
      const added: LiveBatch[] = []
      for (let n = 0; n < batches; n++) {
        await live.reserve(queue)
        const one = batch(queue)
        live.add(one)
        added.push(one)
      }
      return added
    },
  }
}

const isWaiting = async (promise: Promise<unknown>): Promise<boolean> =>
  (await Promise.race([promise, new Promise((resolve) => setImmediate(resolve, 'waits'))])) === 'waits'

test('claims wait while 5,000 rows are in memory, and go on as soon as outcomes are committed', async () => {
  const { live, fill } = setUp()
  const [first] = await fill('deliver', 50)
  const reserved = live.reserve('deliver')
  expect(await isWaiting(reserved)).toBe(true)
  live.settle(Array.from({ length: 100 }, () => ({ batch: first }) as TravellingRow))
  expect(await reserved).toBe(true)
})

test('what the sweeper released takes at most half of the memory', async () => {
  const { live, fill } = setUp()
  await fill('deliver-again', 25)
  expect(await isWaiting(live.reserve('deliver-again'))).toBe(true)
  expect(await live.reserve('deliver')).toBe(true)
})

test('a claim that brought nothing gives its room back', async () => {
  const { live, fill } = setUp()
  await fill('deliver', 49)
  await live.reserve('deliver')
  const reserved = live.reserve('deliver')
  expect(await isWaiting(reserved)).toBe(true)
  live.release('deliver')
  expect(await reserved).toBe(true)
})

test('closing ends every wait for room', async () => {
  const { live, fill } = setUp()
  await fill('deliver', 50)
  const reserved = live.reserve('deliver')
  live.close()
  expect(await reserved).toBe(false)
  expect(await live.reserve('deliver')).toBe(false)
})

test('a call starts only within the send window, and never of a lost batch', () => {
  const { live, batch, later } = setUp()
  const one = batch('deliver')
  later(BOUNDS.sendWindowMs - 1)
  expect(live.mayStart(one)).toBe(true)
  later(1)
  expect(live.mayStart(one)).toBe(false)
  one.leasedAtMs = BOUNDS.sendWindowMs
  expect(live.mayStart(one)).toBe(true)
  one.lost = true
  expect(live.mayStart(one)).toBe(false)
})

test('a batch that should be long finished is not renewed', () => {
  const { live, batch, later } = setUp()
  const one = batch('deliver')
  expect(live.mayRenew(one)).toBe(true)
  later(BOUNDS.renewAgeMaxMs)
  expect(live.mayRenew(one)).toBe(false)
})

import { afterEach, describe, expect, test } from 'vitest'
import { createQueues } from '../../../src/queue/create-queues.ts'
import { type DispatchRig, startDispatchRig } from '../../support/dispatch-rig.ts'
import { eventually } from '../../support/eventually.ts'
import { type Receiver, startReceiver } from '../../support/receiver.ts'
import { hasRedis, startRedis, type TestRedis } from '../../support/redis.ts'

let rig: DispatchRig
let receiver: Receiver
let redis: TestRedis | undefined

afterEach(async () => {
  await rig?.close()
  await receiver?.close()
  await redis?.stop()
})

const BACKENDS = [
  { backend: 'postgres' as const, open: async () => null },
  {
    backend: 'redis' as const,
    open: async () => {
      redis = await startRedis()
      return redis.url
    },
  },
]

describe.each(BACKENDS)('with the queues on $backend', ({ backend, open }) => {
  test.skipIf(backend === 'redis' && !hasRedis())(
    'fresh batches and retries reach their tracker, each delivery once with success',
    async () => {
      const failedOnce = new Set<string>()
      const called = new Set<string>()
      receiver = await startReceiver({
        replies(call) {
          const clickId = call.query.get('clickid') ?? ''
          // Every fourth fails: with a half of them the breaker would open.
          if (called.has(clickId) || called.add(clickId).size % 4 !== 0) return 200
          failedOnce.add(clickId)
          return 500
        },
      })
      const redisUrl = await open()
      rig = await startDispatchRig({
        settings: redisUrl === null ? {} : { REDIS_URL: redisUrl },
        openQueues: createQueues,
      })
      const network = await rig.network(receiver.url)
      const ways = await Promise.all(Array.from({ length: 60 }, () => rig.schedule(network)))
      rig.work()
      rig.work()
      rig.sweep()
      for (let n = 0; n < ways.length; n += 20)
        await rig.travel(
          ways.slice(n, n + 20).map((way) => way.deliveryId),
          { leaseMs: 3000 },
        )
      await eventually(
        async () =>
          expect(await rig.list('select state, count(*)::int n from deliveries group by 1')).toEqual([
            { state: 'delivered', n: 60 },
          ]),
        { timeoutMs: 20_000 },
      )
      expect(receiver.received).toHaveLength(60 + failedOnce.size)
      expect(await rig.places()).toEqual({ due: [], batches: [] })
    },
  )
})

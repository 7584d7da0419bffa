import { afterEach, describe, expect, test } from 'vitest'
import type { QUEUE_NAMES } from '../../../src/queue/queues.ts'
import { eventually } from '../../support/eventually.ts'
import { newBatchId, openQueueRig, type QueueRig } from '../../support/queue-rig.ts'
import { hasRedis, startRedis } from '../../support/redis.ts'
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts'

type Place = { rig: QueueRig; proxy: TcpProxy; close(): Promise<void> }

async function onRedis(isUp: boolean): Promise<Place> {
  const redis = await startRedis()
  const proxy = await startTcpProxy({ port: redis.port, isUp })
  const rig = await openQueueRig({ redisUrl: `redis://127.0.0.1:${proxy.port}` })
  return { rig, proxy, close: () => redis.stop() }
}

async function onPostgres(isUp: boolean): Promise<Place> {
  let proxy: TcpProxy | undefined
  const rig = await openQueueRig({
    async databaseUrl(connectionString) {
      const url = new URL(connectionString)
      proxy = await startTcpProxy({ port: Number(url.port), isUp })
      url.port = String(proxy.port)
      return url.toString()
    },
  })
  if (proxy === undefined) throw new Error('no proxy')
  return { rig, proxy, close: async () => undefined }
}

const backends = [
  ['redis', onRedis],
  ['postgres', onPostgres],
] as const

describe.each(backends.filter(([kind]) => kind === 'postgres' || hasRedis()))(
  'queues on %s',
  (kind, open) => {
    let place: Place
    const start = async (isUp = true): Promise<Place> => {
      place = await open(isUp)
      return place
    }
    const addEventually = async (queue: (typeof QUEUE_NAMES)[number]): Promise<string> => {
      const batchId = newBatchId()
      await eventually(async () => expect(await place.rig.queues.hint(queue, batchId)).toBe('added'))
      return batchId
    }
    const ranOf = (batchId: string): number => place.rig.ran.filter((one) => one.batchId === batchId).length

    afterEach(async () => {
      await place.rig.close()
      await place.proxy.close()
      await place.close()
    })

    test('a hint runs its batch once, on the queue it was added to', async () => {
      const { rig } = await start()
      expect(rig.queues.backend).toBe(kind)
      rig.work()
      const fresh = await addEventually('deliver')
      const again = await addEventually('deliver-again')
      await eventually(() => {
        expect(rig.ran).toContainEqual({ queue: 'deliver', batchId: fresh })
        expect(rig.ran).toContainEqual({ queue: 'deliver-again', batchId: again })
      })
      expect(rig.ran).toHaveLength(2)
    })

    test('two hints for one batch are one job', async () => {
      const { rig } = await start()
      const twice = await addEventually('deliver')
      expect(await rig.queues.hint('deliver', twice)).toBe('added')
      const last = await addEventually('deliver')
      rig.work()
      await eventually(() => expect(ranOf(last)).toBe(1))
      expect(ranOf(twice)).toBe(1)
    })

    test('a run that fails drops its job and the queue goes on', async () => {
      const { rig } = await start()
      const bad = await addEventually('deliver')
      rig.work(async (_queue, batchId) => {
        if (batchId === bad) throw new Error('no')
      })
      const good = await addEventually('deliver')
      await eventually(() => expect(ranOf(good)).toBe(1))
      await rig.beat()
      await eventually(() => expect(rig.queues.room('deliver')).toBe(200))
      expect(ranOf(bad)).toBe(1)
    })

    test('there is room only with a living worker, less what waits and what was taken', async () => {
      const { rig } = await start()
      for (let i = 0; i < 5; i++) await addEventually('deliver')
      expect(rig.queues.room('deliver')).toBe(0)
      await rig.beat()
      await eventually(() => expect(rig.queues.room('deliver')).toBe(195))
      expect(rig.queues.room('deliver-again')).toBe(200)
      rig.queues.take('deliver', 190)
      expect(rig.queues.room('deliver')).toBeLessThanOrEqual(10)
      await eventually(() => expect(rig.queues.room('deliver')).toBe(195))
      await rig.stopBeating()
      await eventually(() => expect(rig.queues.room('deliver')).toBe(0))
    })

    test('a queue whose claims wait over two seconds has no room until they are fast again', async () => {
      const { rig } = await start()
      await rig.beat({ 'deliver-again': 2500 })
      await eventually(() => expect(rig.queues.room('deliver')).toBe(200))
      expect(rig.queues.room('deliver-again')).toBe(0)
      await rig.beat({ 'deliver-again': 100 })
      await eventually(() => expect(rig.queues.room('deliver-again')).toBe(200))
    })

    test('a lost connection costs no more than the hints of that moment', async () => {
      const { rig, proxy } = await start()
      rig.work()
      const before = await addEventually('deliver')
      await eventually(() => expect(ranOf(before)).toBe(1))
      proxy.cut()
      const after = await addEventually('deliver')
      await eventually(() => expect(ranOf(after)).toBe(1))
    })

    test('a hint whose connection is lost before the answer is a maybe at once', async () => {
      const { rig, proxy } = await start()
      await addEventually('deliver')
      proxy.freeze()
      const startedMs = performance.now()
      const outcome = rig.queues.hint('deliver', newBatchId())
      await new Promise((resolve) => setImmediate(resolve))
      proxy.cut()
      expect(await outcome).toBe('maybe')
      expect(performance.now() - startedMs).toBeLessThan(1800)
    })

    test('a backend that is away at the start costs one warning, and works when it is there', async () => {
      const { rig, proxy } = await start(false)
      rig.work()
      expect(await rig.queues.hint('deliver', newBatchId())).toBe('failed')
      expect(rig.queues.room('deliver')).toBe(0)
      await eventually(() => expect(rig.lines.filter((line) => line.level >= 40)).not.toHaveLength(0))
      expect(rig.queues.problem()).not.toBeNull()
      await proxy.comeBack()
      const batchId = await addEventually('deliver')
      await eventually(() => expect(ranOf(batchId)).toBe(1))
      expect(rig.queues.problem()).toBeNull()
    })

    test('while the backend is away hints fail at once, there is no room, and both come back', async () => {
      const { rig, proxy } = await start()
      await rig.beat()
      rig.work()
      await addEventually('deliver')
      await eventually(() => expect(rig.queues.room('deliver')).toBeGreaterThan(0))
      await proxy.leave()
      await eventually(() => expect(rig.queues.room('deliver')).toBe(0))
      await eventually(async () => expect(await rig.queues.hint('deliver', newBatchId())).toBe('failed'))
      await proxy.comeBack()
      const batchId = await addEventually('deliver')
      await eventually(() => expect(ranOf(batchId)).toBe(1))
      await eventually(() => expect(rig.queues.room('deliver')).toBe(200))
    })

    test('connections that go dead without a word: a maybe within two seconds, no room, then new connections', async () => {
      const { rig, proxy } = await start()
      await rig.beat()
      rig.work()
      await addEventually('deliver')
      await eventually(() => expect(rig.queues.room('deliver')).toBeGreaterThan(0))
      proxy.freeze()
      const startedMs = performance.now()
      expect(await rig.queues.hint('deliver', newBatchId())).toBe('maybe')
      expect(performance.now() - startedMs).toBeLessThan(5000)
      expect(rig.queues.room('deliver')).toBe(0)
      await eventually(() => expect(rig.queues.room('deliver')).toBeGreaterThan(0), { timeoutMs: 15_000 })
      const batchId = await addEventually('deliver')
      await eventually(() => expect(rig.queues.room('deliver')).toBeGreaterThan(100), { timeoutMs: 15_000 })
      await eventually(() => expect(ranOf(batchId)).toBe(1), { timeoutMs: 20_000 })
    }, 60_000)

    test('closing the workers does not wait for a run that never ends', async () => {
      const { rig } = await start()
      const workers = rig.work(() => new Promise<void>(() => undefined))
      const batchId = await addEventually('deliver')
      await eventually(() => expect(ranOf(batchId)).toBe(1))
      const startedMs = performance.now()
      await workers.close()
      expect(performance.now() - startedMs).toBeLessThan(4000)
    })

    test('closing the workers does not wait for a backend that is away', async () => {
      const { rig, proxy } = await start()
      const workers = rig.work()
      const batchId = await addEventually('deliver')
      await eventually(() => expect(ranOf(batchId)).toBe(1))
      await proxy.leave()
      const startedMs = performance.now()
      await workers.close()
      expect(performance.now() - startedMs).toBeLessThan(4000)
    })
  },
)

import { Redis } from 'ioredis'
import { afterEach, describe, expect, test } from 'vitest'
import type { HintOutcome } from '../../../src/queue/queues.ts'
import { eventually } from '../../support/eventually.ts'
import { newBatchId, openQueueRig, type QueueRig } from '../../support/queue-rig.ts'
import { hasRedis, startRedis } from '../../support/redis.ts'
import { startRedisCluster, type TestCluster } from '../../support/redis-cluster.ts'

const SHARDS = 3

describe.skipIf(!hasRedis())('queue shards on a Redis Cluster of three masters', () => {
  let cluster: TestCluster
  let rig: QueueRig

  const start = async (): Promise<void> => {
    cluster = await startRedisCluster(3)
    rig = await openQueueRig({ redisUrl: cluster.url, shards: SHARDS })
  }
  const add = async (): Promise<string> => {
    const batchId = newBatchId()
    await eventually(async () => expect(await rig.queues.hint('deliver', batchId)).toBe('added'))
    return batchId
  }
  const addMany = (count: number): Promise<string[]> => Promise.all(Array.from({ length: count }, add))
  const hints = (count: number): Promise<HintOutcome[]> =>
    Promise.all(Array.from({ length: count }, () => rig.queues.hint('deliver', newBatchId())))
  const expectRan = (batches: string[]): Promise<void> =>
    eventually(
      () => {
        const ran = new Set(rig.ran.map((one) => one.batchId))
        expect(batches.filter((batchId) => !ran.has(batchId))).toEqual([])
      },
      { timeoutMs: 20_000 },
    )

  afterEach(async () => {
    await rig.close()
    await cluster.stop()
  })

  test('batches spread evenly over the masters, each is run once, and there is room for 200 per shard', async () => {
    await start()
    await rig.beat()
    const batches = await addMany(90)
    const waiting = await Promise.all(cluster.masters.map((master) => waitingOn(master.url)))
    expect(waiting).toEqual([30, 30, 30])
    await eventually(() => expect(rig.queues.room('deliver')).toBe(SHARDS * 200 - 90))
    rig.work()
    await expectRan(batches)
    expect(rig.ran).toHaveLength(90)
  })

  test('a master killed under load is skipped, the others go on, and it takes its share again when it is back', async () => {
    await start()
    await rig.beat()
    rig.work()
    await expectRan(await addMany(30))
    await eventually(() => expect(rig.queues.room('deliver')).toBe(SHARDS * 200))

    let stop = false
    const outcomes: HintOutcome[] = []
    const load = (async () => {
      while (!stop) outcomes.push(...(await hints(5)))
    })()
    await cluster.masters[1]?.kill()
    await eventually(() => expect(rig.queues.problem()).toContain('1 of 3'))
    // Fail-over of a master without a replica never comes: the two others carry all of it.
    await eventually(async () => expect(new Set(await hints(30))).toEqual(new Set(['added'])))
    await eventually(() => expect(rig.queues.room('deliver')).toBeGreaterThan(0))
    stop = true
    await load
    expect(outcomes.filter((outcome) => outcome !== 'added').length).toBeLessThan(outcomes.length / 2)
    await expectRan(await addMany(30))

    await cluster.masters[1]?.start()
    await eventually(() => expect(rig.queues.problem()).toBeNull(), { timeoutMs: 20_000 })
    const before = rig.ran.length
    await expectRan(await addMany(60))
    expect(rig.ran.length - before).toBeGreaterThanOrEqual(60)
    // It came back empty, so these are the keys of batches it was given since.
    expect(await keysOn(cluster.masters[1]?.url ?? '')).not.toEqual([])
    await eventually(() => expect(rig.queues.room('deliver')).toBe(SHARDS * 200))
  }, 90_000)

  test('a cluster that is away at the start costs one warning, and works when it is there', async () => {
    cluster = await startRedisCluster(3)
    await Promise.all(cluster.masters.map((master) => master.kill()))
    rig = await openQueueRig({ redisUrl: cluster.url, shards: SHARDS })
    rig.work()
    expect(await rig.queues.hint('deliver', newBatchId())).toBe('failed')
    await eventually(() => expect(rig.queues.problem()).toContain('Redis does not answer'))
    await Promise.all(cluster.masters.map((master) => master.start()))
    await expectRan(await addMany(9))
    expect(rig.lines.filter((line) => line.level >= 40)).toHaveLength(1)
  }, 60_000)

  test('a Redis that is no cluster is reported, nothing is added to it', async () => {
    const redis = await startRedis()
    cluster = { url: redis.url, masters: [], stop: () => redis.stop() }
    rig = await openQueueRig({ redisUrl: redis.url, shards: SHARDS })
    await eventually(() => expect(rig.queues.problem()).toContain('cluster'))
    expect(await rig.queues.hint('deliver', newBatchId())).toBe('failed')
    expect(rig.queues.room('deliver')).toBe(0)
  })

  test('a frozen master costs a maybe, then the others take everything and there is room', async () => {
    await start()
    await rig.beat()
    await expectNoBacklog(rig)
    const frozen = cluster.masters[2]?.pid ?? 0
    process.kill(frozen, 'SIGSTOP')
    try {
      const startedMs = performance.now()
      await hints(9)
      expect(performance.now() - startedMs).toBeLessThan(5000)
      await eventually(async () => expect(new Set(await hints(30))).toEqual(new Set(['added'])), {
        timeoutMs: 15_000,
      })
      await eventually(() => expect(rig.queues.room('deliver')).toBeGreaterThan(100))
    } finally {
      process.kill(frozen, 'SIGCONT')
    }
    await eventually(() => expect(rig.queues.problem()).toBeNull(), { timeoutMs: 15_000 })
  }, 60_000)
})

const expectNoBacklog = (rig: QueueRig): Promise<void> =>
  eventually(() => expect(rig.queues.room('deliver')).toBe(SHARDS * 200))

async function waitingOn(url: string): Promise<number> {
  const client = new Redis(url)
  try {
    const lengths = await Promise.all((await client.keys('*:deliver:wait')).map((key) => client.llen(key)))
    return lengths.reduce((sum, length) => sum + length, 0)
  } finally {
    client.disconnect()
  }
}

async function keysOn(url: string): Promise<string[]> {
  const client = new Redis(url)
  try {
    return await client.keys('*:deliver:*')
  } finally {
    client.disconnect()
  }
}

import { Redis } from 'ioredis'
import { afterEach, describe, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { newBatchId, openQueueRig, type QueueRig } from '../../support/queue-rig.ts'
import { hasRedis, startRedis, type TestRedis } from '../../support/redis.ts'

const WARN = 40

describe.skipIf(!hasRedis())('Redis under the queues', () => {
  let redis: TestRedis
  let rig: QueueRig

  const start = async (args: string[] = []): Promise<void> => {
    redis = await startRedis({ args })
    rig = await openQueueRig({ redisUrl: redis.url })
  }
  const command = async (name: string, ...args: string[]): Promise<unknown> => {
    const client = new Redis(redis.url)
    try {
      return await client.call(name, ...args)
    } finally {
      client.disconnect()
    }
  }
  const add = async (): Promise<string> => {
    const batchId = newBatchId()
    await eventually(async () => expect(await rig.queues.hint('deliver', batchId)).toBe('added'))
    return batchId
  }
  const ranOf = (batchId: string): number => rig.ran.filter((one) => one.batchId === batchId).length

  afterEach(async () => {
    await rig.close()
    await redis.stop()
  })

  test('one that is killed and comes back from its snapshot may hand out a finished batch again', async () => {
    await start()
    const batchId = await add()
    await command('save')
    rig.work()
    await eventually(() => expect(ranOf(batchId)).toBe(1))
    await redis.kill()
    await redis.start()
    await eventually(() => expect(ranOf(batchId)).toBe(2))
    const next = await add()
    await eventually(() => expect(ranOf(next)).toBe(1))
  })

  test('one that was emptied takes new batches at once', async () => {
    await start()
    rig.work()
    const before = await add()
    await eventually(() => expect(ranOf(before)).toBe(1))
    await command('flushall')
    const after = await add()
    await eventually(() => expect(ranOf(after)).toBe(1))
  })

  test('one without memory makes hints fail and leaves no room, and the workers neither spin nor flood the log', async () => {
    await start()
    await rig.beat()
    const waiting = await Promise.all(Array.from({ length: 20 }, add))
    await eventually(() => expect(rig.queues.room('deliver')).toBe(180))
    await command('config', 'set', 'maxmemory', '1')

    expect(await rig.queues.hint('deliver', newBatchId())).toBe('failed')
    expect(rig.queues.room('deliver')).toBe(0)
    expect(rig.queues.problem()).toMatch(/^Redis takes no jobs: OOM /)
    rig.work()
    const sinceMs = Date.now()
    const linesBefore = rig.lines.length
    const commandsBefore = await commandsOf(command)
    await eventually(() => expect(Date.now() - sinceMs).toBeGreaterThan(3000))
    const linesPerSecond = (rig.lines.length - linesBefore) / 3
    expect(linesPerSecond).toBeLessThanOrEqual(3)
    expect(((await commandsOf(command)) - commandsBefore) / 3).toBeLessThan(400)

    await command('config', 'set', 'maxmemory', '0')
    const after = await add()
    expect(rig.queues.problem()).toBeNull()
    await eventually(() =>
      expect(rig.ran.map((one) => one.batchId).sort()).toEqual([...waiting, after].sort()),
    )
    await eventually(() => expect(rig.queues.room('deliver')).toBe(200))
  })

  test('one that evicts keys is warned of once, although the connection is lost and comes back', async () => {
    await start(['--maxmemory-policy', 'allkeys-lru'])
    await add()
    await command('client', 'kill', 'type', 'normal')
    await add()
    expect(rig.lines.filter((line) => line.level === WARN && line.policy === 'allkeys-lru')).toHaveLength(1)
  })

  test('one that is frozen makes hints a maybe within two seconds and goes on when it thaws', async () => {
    await start()
    await rig.beat()
    rig.work()
    await add()
    await eventually(() => expect(rig.queues.room('deliver')).toBe(200))
    process.kill(redis.pid, 'SIGSTOP')
    const startedMs = performance.now()
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, () => rig.queues.hint('deliver', newBatchId())),
    )
    expect(performance.now() - startedMs).toBeLessThan(5000)
    expect(outcomes.filter((outcome) => outcome === 'maybe')).toHaveLength(64)
    expect(outcomes.filter((outcome) => outcome === 'failed')).toHaveLength(136)
    expect(rig.queues.room('deliver')).toBe(0)
    process.kill(redis.pid, 'SIGCONT')
    const after = await add()
    await eventually(() => expect(ranOf(after)).toBe(1))
  })

  test('an outage is one warning, however long it is tried again', async () => {
    await start()
    rig.work()
    await add()
    const sinceMs = Date.now()
    await redis.kill()
    await eventually(() => expect(Date.now() - sinceMs).toBeGreaterThan(2500))
    expect(rig.lines.filter((line) => line.level >= WARN)).toHaveLength(1)
    expect(rig.queues.problem()).toContain('Redis does not answer')
    await redis.start()
    await add()
    expect(rig.queues.problem()).toBeNull()
  })

  test('finished jobs leave nothing behind but a short stream of events', async () => {
    await start()
    rig.work()
    const batches = await Promise.all(Array.from({ length: 300 }, add))
    await eventually(() => expect(rig.ran).toHaveLength(batches.length))
    await eventually(async () => {
      const keys = (await command('keys', '*')) as string[]
      expect(keys.filter((key) => /[0-9a-f]{8}-/.test(key))).toEqual([])
    })
    expect(await command('xlen', '{relay-0}:deliver:events')).toBeLessThan(400)
  })
})

async function commandsOf(command: (name: string, ...args: string[]) => Promise<unknown>): Promise<number> {
  const stats = String(await command('info', 'stats'))
  return Number(/total_commands_processed:(\d+)/.exec(stats)?.[1])
}

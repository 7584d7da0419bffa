import { afterEach, expect, test } from 'vitest'
import { leaseBounds } from '../../../src/dispatch/batches.ts'
import { deliverBatch } from '../../../src/dispatch/deliver-batch.ts'
import type { DeliveryWorker } from '../../../src/dispatch/delivery-worker.ts'
import { createLiveBatches } from '../../../src/dispatch/live-batches.ts'
import { createCutDatabase } from '../../support/cut-database.ts'
import { type DispatchRig, startDispatchRig } from '../../support/dispatch-rig.ts'
import { eventually } from '../../support/eventually.ts'
import { type Receiver, type Reply, startReceiver } from '../../support/receiver.ts'

let rig: DispatchRig
let receiver: Receiver

afterEach(async () => {
  await rig?.close()
  await receiver?.close()
})

test('a stop gives back what has not started, waits for open calls and leaves no batch behind', async () => {
  const { promise, resolve } = Promise.withResolvers<Reply>()
  receiver = await startReceiver({ replies: () => promise })
  rig = await startDispatchRig()
  const network = await rig.network(receiver.url)
  const ways = await Promise.all(Array.from({ length: 6 }, () => rig.schedule(network)))
  const worker = rig.work()
  await rig.travel(ways.map((way) => way.deliveryId))
  await receiver.waitFor(2)
  const closed = worker.close()
  await eventually(async () => expect((await rig.places()).due).toHaveLength(4))
  expect((await rig.places()).batches.flat()).toHaveLength(2)
  resolve(200)
  await closed
  expect(receiver.received).toHaveLength(2)
  expect((await rig.places()).batches).toEqual([])
  expect(
    await rig.list('select state, attempts_count, count(*)::int n from deliveries group by 1, 2 order by 1'),
  ).toEqual([
    { state: 'delivered', attempts_count: 1, n: 2 },
    { state: 'scheduled', attempts_count: 0, n: 4 },
  ])
  expect(await rig.list('select id from workers')).toEqual([])
})

test('a job that reaches a stopping worker ends the transit of its batch: the next sweep goes on with it', async () => {
  receiver = await startReceiver()
  rig = await startDispatchRig()
  const { deliveryId } = await rig.schedule(await rig.network(receiver.url))
  const batchId = await rig.travel([deliveryId], { hint: false, leaseMs: 60_000 })
  const live = createLiveBatches(rig.ctx.clock, leaseBounds(rig.ctx.config))
  live.close()
  const stopping = { ctx: rig.ctx, live, claiming: new Set() } as unknown as DeliveryWorker
  await deliverBatch(stopping, 'deliver', batchId)
  expect(await rig.list('select lease_until <= now() as ended from batches')).toEqual([{ ended: true }])
})

test('a call that outlasts the grace is left to the takeover, and the stop ends in time', async () => {
  receiver = await startReceiver({ replies: 'hang' })
  rig = await startDispatchRig({ config: { shutdownGraceMs: 4000 } })
  const network = await rig.network(receiver.url)
  const { deliveryId } = await rig.schedule(network)
  const worker = rig.work()
  await rig.travel([deliveryId])
  await receiver.waitFor(1)
  const startedAt = performance.now()
  await worker.close()
  expect(performance.now() - startedAt).toBeLessThan(4000)
  expect((await rig.places()).batches).toEqual([[deliveryId]])
})

test('the outcome of the last call is stored by a stop that finds Postgres away for some seconds', async () => {
  const { promise, resolve } = Promise.withResolvers<Reply>()
  receiver = await startReceiver({ replies: () => promise })
  rig = await startDispatchRig()
  const { deliveryId } = await rig.schedule(await rig.network(receiver.url))
  const db = createCutDatabase(rig.db)
  const worker = rig.work({ db })
  await rig.travel([deliveryId])
  await receiver.waitFor(1)
  let tries = 0
  // Each 250 ms.
  db.beforeResults = async () => {
    if (++tries === 12) db.restore()
  }
  db.cut()
  const closed = worker.close()
  resolve(200)
  await closed
  expect(await rig.list('select state, attempts_count from deliveries')).toEqual([
    { state: 'delivered', attempts_count: 1 },
  ])
})

test('a worker shows itself each second and takes its row with it', async () => {
  receiver = await startReceiver()
  rig = await startDispatchRig()
  const network = await rig.network(receiver.url)
  const { deliveryId } = await rig.schedule(network)
  await rig.list(
    `insert into workers (id, host, pid, heartbeat_at) values (gen_random_uuid(), 'gone', 1, now() - interval '2 min')`,
  )
  const worker = rig.work()
  await rig.travel([deliveryId])
  await eventually(async () => {
    const workers = await rig.list<{ waits_ms: Record<string, number>; host: string }>(
      'select host, waits_ms from workers',
    )
    expect(workers).toHaveLength(1)
    expect(workers[0]?.waits_ms.deliver).toBeGreaterThan(0)
  })
  await worker.close()
  expect(await rig.list('select id from workers')).toEqual([])
})

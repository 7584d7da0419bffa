import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import type { DestinationDefinition } from '../../../src/catalogue/catalogue.ts'
import { withControlWrite } from '../../../src/catalogue/control-write.ts'
import type { Limits } from '../../../src/dispatch/limits.ts'
import type { Uuid } from '../../../src/kit/ids.ts'
import { type DispatchRig, startDispatchRig } from '../../support/dispatch-rig.ts'
import { eventually } from '../../support/eventually.ts'
import { type Receiver, startReceiver } from '../../support/receiver.ts'

let rig: DispatchRig
let receiver: Receiver
type Network = Awaited<ReturnType<DispatchRig['network']>>

afterEach(async () => {
  await rig?.close()
  await receiver?.close()
})

/** A receiver that takes its time, fails now and then, and knows the most calls that it had open at a time. */
async function setUp(
  definition: Partial<DestinationDefinition>,
  slowMs = 20,
): Promise<{ network: Network; open: { most: number } }> {
  const open = { now: 0, most: 0 }
  receiver = await startReceiver({
    replies: async (_, n) => {
      open.most = Math.max(open.most, ++open.now)
      await wait((n % 5) * (slowMs / 4))
      open.now--
      return n % 10 === 3 ? 500 : 200
    },
  })
  rig = await startDispatchRig({ settings: { RETRY_SCHEDULE: '10ms,10ms,10ms,10ms,10ms,10ms' } })
  return { network: await rig.network(receiver.url, definition), open }
}

const allDelivered = (ids: readonly Uuid[], timeoutMs = 40_000): Promise<void> =>
  eventually(
    async () =>
      expect(
        await rig.list(
          `select count(*)::int as missing from deliveries where id = any($1::uuid[]) and state <> 'delivered'`,
          [ids],
        ),
      ).toEqual([{ missing: 0 }]),
    { timeoutMs, everyMs: 100 },
  )

/** What a PATCH of the destination writes. */
const patch = ({ destinationId }: Network, limits: Limits): Promise<void> =>
  withControlWrite(rig.ctx, async (tx, version) => {
    await tx.query({
      text: `with d as (
          update destinations set concurrency = $3, rate_per_second = $4, version = 2, changed_in = $2 where id = $1)
        insert into destination_versions (destination_id, version, definition)
        select $1, 2, definition || $5 from destination_versions where destination_id = $1`,
      values: [
        destinationId,
        version,
        limits.concurrency ?? null,
        limits.rate_limit?.per_second ?? null,
        limits,
      ],
    })
  })

/** The fewest ms in which `calls` calls started. */
async function fewestMs(calls: number): Promise<number> {
  const starts = await rig.list<{ ms: number }>(
    'select (extract(epoch from started_at) * 1000)::float8 as ms from attempts order by 1',
  )
  return Math.min(
    ...starts.slice(calls - 1).map((last, index) => last.ms - (starts[index]?.ms ?? Number.NaN)),
  )
}

describe('a concurrency', () => {
  test.each([1, 3, 12])(
    'of %i is never exceeded over two workers, and nothing is lost',
    async (concurrency) => {
      const { network, open } = await setUp({ concurrency })
      const ids = await rig.waitingRows(network, 150)
      rig.work()
      rig.work()
      rig.sweep()
      await allDelivered(ids)
      expect(open.most).toBeLessThanOrEqual(concurrency)
    },
  )

  test('holds for rows that their worker had claimed before it was set', async () => {
    const { network, open } = await setUp({})
    const ids = await rig.waitingRows(network, 60)
    await patch(network, { concurrency: 1 })
    await rig.list('delete from due')
    rig.work()
    rig.work()
    await rig.travel(ids.slice(0, 30))
    await rig.travel(ids.slice(30))
    await eventually(async () => expect((await rig.places()).due).toHaveLength(60))
    expect(receiver.received).toHaveLength(0)
    rig.sweep()
    await allDelivered(ids)
    expect(open.most).toBe(1)
  })
})

describe('rows that were let go before', () => {
  const CHANGES: [string, before: Limits, after: Limits, openMax: number][] = [
    ['a lower concurrency', { concurrency: 10 }, { concurrency: 1 }, 1],
    ['a first concurrency', {}, { concurrency: 1 }, 1],
    ['a lower rate', { rate_limit: { per_second: 200 } }, { rate_limit: { per_second: 1 } }, 2],
  ]
  test.each(CHANGES)('keep %s soon after it was set', async (_what, before, after, openMax) => {
    const { network, open } = await setUp(before, 500)
    await rig.list(`insert into lanes (destination_id, mode, paced_at) values ($1, 'paced', now())`, [
      network.destinationId,
    ])
    await rig.waitingRows(network, 400)
    rig.work()
    rig.sweep()
    await receiver.waitFor(10)
    await patch(network, after)
    const observe = async (): Promise<void> => {
      open.most = 0
      const calls = receiver.received.length
      await wait(1500)
      expect(open.most).toBeLessThanOrEqual(openMax)
      if (after.rate_limit !== undefined) expect(receiver.received.length - calls).toBeLessThanOrEqual(2)
    }
    await eventually(observe)
    await observe()
  })
})

describe('a rate', () => {
  test.each([
    [0.5, 3],
    [1, 4],
    [20, 70],
    [600, 1000],
  ])(
    'of %d calls a second is never exceeded over two workers, and nothing is lost',
    async (perSecond, rows) => {
      const { network } = await setUp({ rate_limit: { per_second: perSecond } })
      const ids = await rig.waitingRows(network, rows)
      rig.work()
      rig.work()
      rig.sweep()
      await allDelivered(ids)
      const calls = Math.max(1, Math.floor(perSecond))
      expect(await fewestMs(calls + 1)).toBeGreaterThanOrEqual(Math.max(1000, 1000 / perSecond))
    },
  )

  test('holds for a receiver whose calls wait in the lane and start much later than they were let go', async () => {
    const { network } = await setUp({ rate_limit: { per_second: 40 } }, 1600)
    const ids = await rig.waitingRows(network, 120)
    rig.work()
    rig.work()
    rig.sweep()
    await allDelivered(ids)
    expect(await fewestMs(41)).toBeGreaterThanOrEqual(1000)
  })

  test('holds together with a concurrency', async () => {
    const { network, open } = await setUp({ rate_limit: { per_second: 30 }, concurrency: 2 })
    const ids = await rig.waitingRows(network, 70)
    rig.work()
    rig.work()
    rig.sweep()
    await allDelivered(ids)
    expect(open.most).toBeLessThanOrEqual(2)
    expect(await fewestMs(31)).toBeGreaterThanOrEqual(1000)
  })

  test('is not doubled when another process takes the lead in the middle', async () => {
    const { network } = await setUp({ rate_limit: { per_second: 20 } })
    const ids = await rig.waitingRows(network, 60)
    rig.work()
    rig.work()
    const first = rig.sweep()
    await receiver.waitFor(15)
    rig.sweep()
    await rig.list(`update leader set until = now()`)
    await receiver.waitFor(30)
    await first.close()
    await allDelivered(ids)
    expect(await fewestMs(21)).toBeGreaterThanOrEqual(1000)
  })

  test('counts calls only while they matter: nothing of them is kept', async () => {
    const { network } = await setUp({ rate_limit: { per_second: 50 } })
    const ids = await rig.waitingRows(network, 20)
    rig.work()
    rig.sweep()
    await allDelivered(ids)
    await eventually(async () => expect(await rig.list('select * from recent_starts')).toEqual([]))
  })
})

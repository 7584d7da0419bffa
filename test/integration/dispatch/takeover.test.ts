import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import type { Context } from '../../../src/context.ts'
import { systemClock } from '../../../src/kit/clock.ts'
import { newUuid } from '../../../src/kit/ids.ts'
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

const SHORT_LEASE = { leaseMs: 1200, deliveryTimeoutMs: 400 }

async function setUp(config: Parameters<typeof startDispatchRig>[0] = {}) {
  receiver = await startReceiver()
  rig = await startDispatchRig({ settings: { DELIVERY_TIMEOUT_MS: '2000' }, ...config })
  const network = await rig.network(receiver.url)
  return { network, ...(await rig.schedule(network)) }
}

const state = async (id: string): Promise<string> => (await rig.delivery(id)).state
const becomes = (id: string, wanted: string) => eventually(async () => expect(await state(id)).toBe(wanted))

/** Answers the call only when it is told to. */
function answerLater(): { promise: Promise<Reply>; answer(reply: Reply): void } {
  const { promise, resolve } = Promise.withResolvers<Reply>()
  return { promise, answer: resolve }
}

/** A newer revision of the conversion, which waits for the batch that the older delivery travels in. */
const follow = async (
  network: Awaited<ReturnType<DispatchRig['network']>>,
  prior: string,
  batchId: string,
) => {
  const [row] = await rig.list<{ id: string; at: string }>(
    `select c.id, (extract(epoch from c.created_at) * 1000)::bigint as at from deliveries d
      join conversions c on c.id = d.conversion_id where d.id = $1`,
    [prior],
  )
  const conversion = { id: row?.id ?? '', at: Number(row?.at), ...network }
  const nextId = await rig.addRevision(network, conversion, {
    place: 'nowhere',
    revision: 2,
    status: 'rejected',
  })
  await rig.list(
    `with d as (update deliveries set next_id = $2 where id = $1)
    insert into due (delivery_id, destination_id, share, due_at, after_batch)
    values ($2, $3, 0, now() + interval '1 hour', $4)`,
    [prior, nextId, network.destinationId, batchId],
  )
  return nextId
}

describe('a worker that is cut off from Postgres', () => {
  test('is taken over after its lease, and the second send is marked', async () => {
    const { deliveryId } = await setUp({ config: SHORT_LEASE })
    const db = createCutDatabase(rig.db)
    rig.work({ db })
    receiver.reply(() => {
      db.cut()
      return 200
    })
    await rig.travel([deliveryId])
    await receiver.waitFor(1)
    rig.sweep()
    // In `due` it is only until the next sweep; the batch it travels in then carries the mark.
    await eventually(async () =>
      expect(await rig.list('select suspect from due union all select suspect from batches')).toEqual([
        { suspect: true },
      ]),
    )
    db.restore()
    await becomes(deliveryId, 'delivered')
    await eventually(async () => expect((await rig.attempts(deliveryId)).some((one) => one.late)).toBe(true))
  })

  test('loses nothing in an outage shorter than its lease: the flush is tried until it commits', async () => {
    const { deliveryId } = await setUp()
    const db = createCutDatabase(rig.db)
    rig.work({ db })
    rig.sweep()
    let failed = 0
    receiver.reply(() => {
      db.cut()
      db.beforeResults = async () => {
        if (++failed === 3) db.restore()
      }
      return 200
    })
    await rig.travel([deliveryId])
    await becomes(deliveryId, 'delivered')
    expect(receiver.received).toHaveLength(1)
    expect(await rig.attempts(deliveryId)).toMatchObject([{ late: false }])
  })
})

describe('a worker that was frozen past its lease', () => {
  const frozenClock = () => {
    let frozenMs = 0
    return {
      clock: { ...systemClock, monotonicMs: () => performance.now() + frozenMs },
      freeze(ms: number) {
        frozenMs += ms
      },
    }
  }

  test('sends nothing of what it holds; its rows go back where it still may', async () => {
    const { deliveryId } = await setUp()
    const { clock, freeze } = frozenClock()
    const catalogue: Context['catalogue'] = {
      ...rig.ctx.catalogue,
      async upTo() {
        freeze(60_000)
      },
    }
    rig.work({ clock, catalogue })
    await rig.travel([deliveryId])
    await eventually(async () => expect(await rig.places()).toEqual({ due: [deliveryId], batches: [] }))
    expect(receiver.received).toHaveLength(0)
    expect(await rig.delivery(deliveryId)).toMatchObject({ state: 'scheduled', attempts_count: 0 })
  })

  test('does not write bytes on a connection that became ready after the freeze', async () => {
    const { deliveryId } = await setUp()
    const { clock, freeze } = frozenClock()
    let asked = 0
    const outbound: Context['outbound'] = {
      ...rig.ctx.outbound,
      async send(request) {
        return rig.ctx.outbound.send({
          ...request,
          mayStart() {
            if (++asked === 2) freeze(60_000)
            return request.mayStart()
          },
        })
      },
    }
    rig.work({ clock, outbound })
    await rig.travel([deliveryId])
    await eventually(async () => expect((await rig.places()).due).toEqual([deliveryId]))
    expect(receiver.received).toHaveLength(0)
  })

  test('does not start the rows of a batch that another worker has by now', async () => {
    const { network, deliveryId } = await setUp({
      config: { ...SHORT_LEASE, deliveryTimeoutMs: 1000, leaseMs: 1600 },
    })
    const others = [await rig.schedule(network), await rig.schedule(network)]
    receiver.reply(() => 'hang')
    rig.work()
    const batchId = await rig.travel([deliveryId, ...others.map((one) => one.deliveryId)])
    await receiver.waitFor(2)
    await rig.list('update batches set claimed_by = $2 where id = $1', [batchId, newUuid(0)])
    await eventually(async () =>
      expect(await rig.list('select late from attempts')).toEqual([{ late: true }, { late: true }]),
    )
    expect(receiver.received).toHaveLength(2)
    expect((await rig.places()).due).toEqual([])
  })
})

describe('a late result', () => {
  const stolen = async (reply: Reply) => {
    const { network, deliveryId, conversion } = await setUp()
    const { promise, answer } = answerLater()
    receiver.reply(() => promise)
    rig.work()
    const batchId = await rig.travel([deliveryId])
    await receiver.waitFor(1)
    await rig.list('delete from batches where id = $1', [batchId])
    await rig.list(`insert into due (delivery_id, destination_id, share, due_at) values ($1, $2, 1, now())`, [
      deliveryId,
      network.destinationId,
    ])
    answer(reply)
    await eventually(async () => expect(await rig.attempts(deliveryId)).toMatchObject([{ late: true }]))
    return { network, deliveryId, conversion }
  }

  test('of a success moves the delivery to delivered, and what waits for it in due is dropped', async () => {
    const { deliveryId } = await stolen(200)
    expect(await state(deliveryId)).toBe('delivered')
    rig.sweep()
    await eventually(async () => expect((await rig.places()).due).toEqual([]))
    expect(receiver.received).toHaveLength(1)
  })

  test('of a success lets the successor go once the batch that was to send again is gone', async () => {
    const { network, deliveryId } = await setUp()
    const { promise, answer } = answerLater()
    receiver.reply((_, n) => (n === 0 ? promise : 200))
    rig.work()
    rig.sweep()
    const lost = await rig.travel([deliveryId])
    await receiver.waitFor(1)
    await rig.list('delete from batches where id = $1', [lost])
    const again = await rig.travel([deliveryId], { hint: false })
    const nextId = await follow(network, deliveryId, again)
    answer(200)
    await eventually(async () => expect(await rig.attempts(deliveryId)).toMatchObject([{ late: true }]))
    await rig.list('update leader set until = now()')
    await eventually(async () =>
      expect(await rig.list('select from leader where until > now()')).toHaveLength(1),
    )
    expect((await rig.places()).due).toEqual([nextId])
    await rig.ctx.queues.hint('deliver', again)
    await becomes(nextId, 'delivered')
    expect(receiver.received.map((call) => call.query.get('status'))).toEqual(['approved', 'rejected'])
  })

  test('of a failure is recorded and moves nothing', async () => {
    const { deliveryId } = await stolen(400)
    expect(await rig.delivery(deliveryId)).toMatchObject({ state: 'scheduled', attempts_count: 1 })
    expect((await rig.places()).due).toEqual([deliveryId])
  })
})

describe('supersede', () => {
  test('a retry with a successor is superseded and the successor goes out at once', async () => {
    const { network, deliveryId } = await setUp()
    const { promise, answer } = answerLater()
    receiver.reply((_, n) => (n === 0 ? promise : 200))
    rig.work()
    rig.sweep()
    const batchId = await rig.travel([deliveryId])
    await receiver.waitFor(1)
    const nextId = await follow(network, deliveryId, batchId)
    answer(500)
    await becomes(nextId, 'delivered')
    expect(await rig.delivery(deliveryId)).toMatchObject({
      state: 'superseded',
      attempts_count: 1,
      next_id: null,
    })
    expect(receiver.received.map((call) => call.query.get('status'))).toEqual(['approved', 'rejected'])
    expect(await rig.places()).toEqual({ due: [], batches: [] })
  })

  test('a successor goes out as soon as the older one is delivered, although its batch lives on', async () => {
    const { network, deliveryId } = await setUp()
    const slow = await rig.schedule(network)
    const first = answerLater()
    receiver.reply((call) => {
      if (call.query.get('status') === 'rejected') return 200
      return receiver.received.length === 1 ? first.promise : 'hang'
    })
    rig.work()
    rig.sweep()
    const batchId = await rig.travel([deliveryId, slow.deliveryId])
    await receiver.waitFor(2)
    const firstIsSlow = receiver.received[0]?.query.get('clickid') === slow.clickId
    const nextId = await follow(network, firstIsSlow ? slow.deliveryId : deliveryId, batchId)
    first.answer(200)
    await becomes(nextId, 'delivered')
    expect((await rig.places()).batches.flat()).toHaveLength(1)
  })

  test('a successor waits while the older one travels', async () => {
    const { network, deliveryId } = await setUp()
    receiver.reply(() => 'hang')
    rig.work()
    rig.sweep()
    const batchId = await rig.travel([deliveryId])
    await receiver.waitFor(1)
    const nextId = await follow(network, deliveryId, batchId)
    await rig.list('update due set due_at = now()')
    const ledUntilMs = async (): Promise<number> => {
      const [leader] = await rig.list<{ ms: number }>(
        `select (extract(epoch from greatest(until, 'epoch')) * 1000)::float8 as ms from leader`,
      )
      return leader?.ms ?? 0
    }
    await eventually(async () => expect(await ledUntilMs()).toBeGreaterThan(0))
    const before = await ledUntilMs()
    await eventually(async () => expect(await ledUntilMs()).toBeGreaterThan(before + 200))
    expect((await rig.places()).due).toEqual([nextId])
  })

  test('a takeover supersedes what has a successor and wakes that', async () => {
    const { network, deliveryId } = await setUp()
    const batchId = await rig.travel([deliveryId], { hint: false, leaseMs: -1 })
    const nextId = await follow(network, deliveryId, batchId)
    rig.work()
    rig.sweep()
    await becomes(nextId, 'delivered')
    expect(await state(deliveryId)).toBe('superseded')
    expect(receiver.received).toHaveLength(1)
  })
})

describe('takeover', () => {
  test('waits until sweeps have gone well for a while', async () => {
    const { deliveryId } = await setUp()
    rig.work()
    rig.sweep({ takeoverQuietMs: 700 })
    const startedAt = performance.now()
    await rig.travel([deliveryId], { hint: false, leaseMs: -1 })
    await becomes(deliveryId, 'delivered')
    expect(performance.now() - startedAt).toBeGreaterThan(650)
  })

  test.each([
    ['with SWEEP_INTERVAL_MS over two seconds', '2100', 0],
    ['where each sweep waits two seconds for Postgres', '250', 2000],
  ])('comes %s', async (_what, interval, waitMs) => {
    const { deliveryId } = await setUp({ settings: { SWEEP_INTERVAL_MS: interval } })
    rig.work()
    const { results } = rig.db
    const slow = Object.assign(Object.create(results), {
      connect: async () => {
        await sleep(waitMs)
        return results.connect()
      },
    })
    rig.ctx.db = { ...rig.db, results: slow }
    rig.sweep({ takeoverQuietMs: 700 })
    await rig.travel([deliveryId], { hint: false, leaseMs: -1 })
    await eventually(async () => expect(await state(deliveryId)).toBe('delivered'), { timeoutMs: 20_000 })
  })

  test('rows of a claimed batch travel alone, are suspect, and a result clears that', async () => {
    const { network, deliveryId } = await setUp()
    const other = await rig.schedule(network)
    receiver.reply([500, 500, 200])
    const batchId = await rig.travel([deliveryId, other.deliveryId], { hint: false, leaseMs: -1 })
    await rig.list('update batches set claimed_by = $2 where id = $1', [batchId, newUuid(0)])
    rig.sweep()
    await eventually(async () => expect((await rig.places()).due).toHaveLength(2))
    rig.work()
    await becomes(deliveryId, 'delivered')
    await becomes(other.deliveryId, 'delivered')
    expect(rig.memory.hinted.length).toBeGreaterThanOrEqual(3)
  })

  test('leaves a batch alone that is renewed', async () => {
    const { deliveryId } = await setUp({ config: { leaseMs: 1600, deliveryTimeoutMs: 1200 } })
    receiver.reply(() => 'hang')
    rig.work()
    rig.sweep()
    await rig.travel([deliveryId])
    await eventually(async () => expect(await rig.attempts(deliveryId)).not.toHaveLength(0))
    expect((await rig.attempts(deliveryId))[0]).toMatchObject({ error: 'timeout', late: false })
  })
})

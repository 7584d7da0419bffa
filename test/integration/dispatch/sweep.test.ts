import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { withTx } from '../../../src/db/database.ts'
import { countBacklog, releaseCalmLanes } from '../../../src/dispatch/keep-lanes.ts'
import { startSweeping } from '../../../src/dispatch/start-sweeping.ts'
import { newSweepState, sweep } from '../../../src/dispatch/sweep.ts'
import { type DueTaken, FIRST_DESTINATION, takeDue } from '../../../src/dispatch/sweep-store.ts'
import { newUuid, type Uuid } from '../../../src/kit/ids.ts'
import { type DispatchRig, startDispatchRig } from '../../support/dispatch-rig.ts'
import { eventually } from '../../support/eventually.ts'

let rig: DispatchRig
type Network = Awaited<ReturnType<DispatchRig['network']>>

beforeEach(async () => {
  rig = await startDispatchRig()
  // A worker that takes jobs and does nothing, so that the queue has room.
  rig.keep(rig.memory.work(async () => undefined))
})
afterEach(() => rig.close())

const ME = newUuid(1)
const NEVER = 'http://127.0.0.1:1'

const sweepOnce = (state = newSweepState(), holder = ME) =>
  sweep(rig.ctx, { holder, state, transitLeaseMs: 15_000 })
const batches = () =>
  rig.list<{ destination_id: Uuid | null; suspect: boolean; deliveries: Uuid[] }>(
    'select destination_id, suspect, deliveries from batches order by id',
  )
const take = (query: Partial<Parameters<typeof takeDue>[1]> = {}): Promise<DueTaken> =>
  withTx(rig.db.reads, (tx) =>
    takeDue(tx, {
      cursor: FIRST_DESTINATION,
      destinationsMax: 500,
      rowsMax: 10,
      pacedRowsMax: 100,
      suspectsMax: 100,
      ratedRowsMax: 500,
      aloneRowsMax: 1250,
      seconds: 1,
      ...query,
    }),
  )

const waitingRows: DispatchRig['waitingRows'] = (...args) => rig.waitingRows(...args)

const perDestination = ({ rows }: DueTaken): Record<Uuid, number> => {
  const counts: Record<Uuid, number> = {}
  for (const row of rows) counts[row.destinationId] = (counts[row.destinationId] ?? 0) + 1
  return counts
}

describe('fairness', () => {
  test('a backlog of one destination leaves the others their turn', async () => {
    const flooded = await rig.network(NEVER)
    const other = await rig.network(NEVER)
    await waitingRows(flooded, 500)
    await waitingRows(other, 3)
    expect(perDestination(await take())).toEqual({ [flooded.destinationId]: 10, [other.destinationId]: 3 })
  })

  test('fresh, retried and replayed rows share a destination 70/20/10, and leave each other what they do not use', async () => {
    const network = await rig.network(NEVER)
    const shares = [
      await waitingRows(network, 50, { share: 0 }),
      await waitingRows(network, 50, { share: 1 }),
      await waitingRows(network, 50, { share: 2 }),
    ]
    const counts = (taken: DueTaken) =>
      shares.map((ids) => taken.rows.filter((row) => ids.includes(row.deliveryId)).length)
    expect(counts(await take())).toEqual([7, 2, 1])
    await rig.list('delete from due where share = 0')
    const without = counts(await take())
    expect(without[0]).toBe(0)
    expect((without[1] ?? 0) + (without[2] ?? 0)).toBe(10)
    expect(without[1]).toBeGreaterThan(without[2] ?? 0)
  })

  test('the round goes on where the last one had no room, and wraps at the end', async () => {
    const networks = []
    for (let n = 0; n < 5; n++) networks.push(await rig.network(NEVER))
    for (const network of networks) await waitingRows(network, 1)
    const state = newSweepState()
    rig.memory.roomJobs = 2
    rig.ctx.queues.take = () => {
      rig.memory.roomJobs = 0
    }
    await sweepOnce(state)
    expect((await rig.places()).due).toHaveLength(3)
    rig.memory.roomJobs = 2
    await sweepOnce(state)
    expect((await rig.places()).due).toHaveLength(1)
    rig.memory.roomJobs = 2
    await sweepOnce(state)
    expect((await rig.places()).due).toHaveLength(0)
    expect(state.cursor).toBe(FIRST_DESTINATION)
  })

  test('one round passes every destination, 500 at a time', async () => {
    const network = await rig.network(NEVER)
    const ids = Array.from({ length: 1201 }, () => newUuid(Date.now()))
    await rig.list(
      `with d as (insert into destinations (id, affiliate_id, version, changed_in)
        select x.id, $2, 1, 1 from unnest($1::uuid[]) x(id) returning id)
      insert into due (delivery_id, destination_id, share, due_at)
      select gen_random_uuid(), d.id, 0, now() from d`,
      [ids, network.affiliateId],
    )
    rig.memory.roomJobs = 1000
    await sweepOnce()
    expect((await rig.places()).due).toHaveLength(0)
  })
})

describe('what stays in due', () => {
  test.each(['paused', 'disabled'])('rows of a %s destination', async (state) => {
    const network = await rig.network(NEVER)
    await waitingRows(network, 2)
    await rig.list('update destinations set state = $1', [state])
    expect((await take()).rows).toEqual([])
  })

  test('rows of a blocked lane until its time is over', async () => {
    const network = await rig.network(NEVER)
    await waitingRows(network, 2)
    await rig.list(
      `insert into lanes (destination_id, mode, previous_mode, blocked_until, blocked_reason)
        values ($1, 'blocked', 'direct', now() + interval '1 h', 'receiver_asked')`,
      [network.destinationId],
    )
    await sweepOnce()
    expect(await batches()).toEqual([])
    await rig.list('update lanes set blocked_until = now()')
    await sweepOnce()
    expect((await batches()).flatMap((batch) => batch.deliveries)).toHaveLength(2)
    expect(await rig.list('select mode, blocked_until, previous_mode from lanes')).toEqual([
      { mode: 'direct', blocked_until: null, previous_mode: null },
    ])
  })

  test('rows whose time has not come, and rows that wait for a live batch', async () => {
    const network = await rig.network(NEVER)
    await waitingRows(network, 1, { dueInMs: 60_000 })
    const [waiting] = await waitingRows(network, 1)
    const older = await rig.travel([newUuid(0)], { hint: false })
    await rig.list('update due set after_batch = $2 where delivery_id = $1', [waiting, older])
    expect((await take()).rows).toEqual([])
    await rig.list('delete from batches')
    expect((await take()).rows.map((row) => row.deliveryId)).toEqual([waiting])
  })

  test('everything while the queue has no room', async () => {
    const network = await rig.network(NEVER)
    await waitingRows(network, 2)
    rig.memory.roomJobs = 0
    expect(await sweepOnce()).toBe(0)
    expect((await rig.places()).due).toHaveLength(2)
  })
})

describe('a paced lane', () => {
  const pace = (network: Network) =>
    rig.list(`insert into lanes (destination_id, mode) values ($1, 'paced')`, [network.destinationId])

  test('gets its next batch of 100 only when none is live', async () => {
    const network = await rig.network(NEVER)
    await pace(network)
    await waitingRows(network, 250)
    await sweepOnce()
    await sweepOnce()
    expect((await batches()).map((batch) => [batch.destination_id, batch.deliveries.length])).toEqual([
      [network.destinationId, 100],
    ])
    await rig.list('delete from batches')
    await sweepOnce()
    expect((await rig.places()).due).toHaveLength(50)
  })

  test('shares a part of the memory with the others of its kind, row by row, with one row each at the least', async () => {
    const paced = [await rig.network(NEVER), await rig.network(NEVER), await rig.network(NEVER)]
    for (const network of paced) {
      await pace(network)
      await waitingRows(network, 50)
    }
    const direct = await rig.network(NEVER)
    await waitingRows(direct, 10)
    const taken = perDestination(await take({ aloneRowsMax: 30 }))
    expect(paced.map(({ destinationId }) => taken[destinationId])).toEqual([10, 10, 10])
    expect(taken[direct.destinationId]).toBe(10)
    const hanging = await rig.network(NEVER)
    await pace(hanging)
    await rig.travel(await waitingRows(hanging, 40), { hint: false, destinationId: hanging.destinationId })
    expect(Object.values(perDestination(await take({ aloneRowsMax: 30 })))).toEqual([1, 1, 1])
  })

  test('goes back to the fast path after 10 s without a backlog', async () => {
    const network = await rig.network(NEVER)
    await pace(network)
    let nowMs = 0
    const ctx = { db: rig.db, clock: { ...rig.ctx.clock, monotonicMs: () => nowMs } }
    const calm = new Map<Uuid, number>()
    const modeAfter = async (ms: number) => {
      nowMs += ms
      await releaseCalmLanes(ctx, calm)
      return (await rig.list<{ mode: string }>('select mode from lanes'))[0]?.mode
    }
    await modeAfter(0)
    await waitingRows(network, 1, { dueInMs: -5000 })
    expect(await modeAfter(9000)).toBe('paced')
    await rig.list('delete from due')
    expect(await modeAfter(2000)).toBe('paced')
    expect(await modeAfter(9999)).toBe('paced')
    expect(await modeAfter(1)).toBe('direct')
  })
})

describe('what travels', () => {
  test('suspects travel alone', async () => {
    const network = await rig.network(NEVER)
    await waitingRows(network, 3)
    await rig.list('update due set suspect = true where delivery_id in (select delivery_id from due limit 2)')
    await sweepOnce()
    expect((await batches()).map((batch) => [batch.suspect, batch.deliveries.length]).sort()).toEqual([
      [false, 1],
      [true, 1],
      [true, 1],
    ])
  })

  test('no more suspects than the queue has room for; the others wait', async () => {
    const network = await rig.network(NEVER)
    await waitingRows(network, 10)
    await rig.list('update due set suspect = true')
    expect((await take({ suspectsMax: 4 })).rows).toHaveLength(4)
    expect((await rig.places()).due).toHaveLength(6)
  })

  test('rows of finished deliveries are dropped', async () => {
    const network = await rig.network(NEVER)
    const [done, open] = await waitingRows(network, 2)
    await rig.list(`update deliveries set state = 'delivered' where id = $1`, [done])
    await sweepOnce()
    expect((await batches()).flatMap((batch) => batch.deliveries)).toEqual([open])
    expect((await rig.places()).due).toEqual([])
  })
})

test('a destination that is made while a sweep begins is swept by what it is, not cancelled', async () => {
  const { catalogue } = rig.ctx
  let made: Uuid[] = []
  // Between the statement that takes the lead and the one that takes the rows.
  const upTo = async (version: number): Promise<void> => {
    await catalogue.upTo(version)
    if (made.length === 0) made = await waitingRows(await rig.rows.network({ url: NEVER }), 1)
  }
  const ctx = { ...rig.ctx, catalogue: { ...catalogue, upTo } }
  await sweep(ctx, { holder: ME, state: newSweepState(), transitLeaseMs: 15_000 })
  expect(await rig.delivery(made[0] ?? '')).toMatchObject({ state: 'scheduled', reason: null })
  expect((await batches()).flatMap((batch) => batch.deliveries)).toEqual(made)
})

describe('the leader', () => {
  test('stands back where it has no queue, so that one that has it can lead', async () => {
    const network = await rig.network(NEVER)
    const [deliveryId] = await waitingRows(network, 1)
    const queueless = { ...rig.memory, room: () => 0, problem: () => 'Redis does not answer' }
    const times = { transitLeaseMs: 15_000, takeoverQuietMs: 0 }
    const holder = newUuid(2)
    rig.keep(startSweeping({ ...rig.ctx, queues: queueless }, holder, times))
    await eventually(async () => expect(await rig.list('select holder from leader')).toEqual([{ holder }]))
    rig.sweep()
    await eventually(async () => expect((await batches())[0]?.deliveries).toEqual([deliveryId]), {
      timeoutMs: 15_000,
    })
  })

  test('gives the lead up when it is closed, so that nothing due waits for its lease', async () => {
    const holder = newUuid(2)
    const leading = startSweeping(rig.ctx, holder, { transitLeaseMs: 15_000, takeoverQuietMs: 0 })
    await eventually(async () => expect(await rig.list('select holder from leader')).toEqual([{ holder }]))
    await leading.close()
    await waitingRows(await rig.network(NEVER), 1)
    expect(await sweepOnce()).toBe(1)
  })

  test('is one at a time, and another one when its lease is over', async () => {
    const network = await rig.network(NEVER)
    await waitingRows(network, 1)
    const other = newUuid(2)
    rig.memory.roomJobs = 0
    expect(await sweepOnce()).toBe(0)
    rig.memory.roomJobs = 10
    expect(await sweepOnce(newSweepState(), other)).toBeNull()
    await rig.list(`update leader set until = now() - interval '1 s'`)
    expect(await sweepOnce(newSweepState(), other)).toBe(1)
    expect(await sweepOnce()).toBeNull()
  })

  test('counts the backlog of each destination', async () => {
    const network = await rig.network(NEVER)
    await waitingRows(network, 7)
    expect(await countBacklog(rig.ctx)).toBeGreaterThanOrEqual(10_000)
    expect(await rig.list('select waiting from lanes')).toEqual([{ waiting: 7 }])
    await rig.list('delete from due')
    await countBacklog(rig.ctx)
    expect(await rig.list('select waiting from lanes')).toEqual([{ waiting: 0 }])
  })
})

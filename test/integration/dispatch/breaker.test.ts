import { afterEach, describe, expect, test } from 'vitest'
import { archive } from '../../../src/catalogue/archive.ts'
import { withTx } from '../../../src/db/database.ts'
import { findHealth } from '../../../src/destinations/health-store.ts'
import { openBreaker } from '../../../src/dispatch/open-breaker.ts'
import { stepRamps } from '../../../src/dispatch/step-ramps.ts'
import { blockLanes, upsertHeartbeat } from '../../../src/dispatch/store.ts'
import { newSweepState, sweep } from '../../../src/dispatch/sweep.ts'
import { newUuid, type Uuid } from '../../../src/kit/ids.ts'
import { readBacklog } from '../../../src/reports/store.ts'
import { type DispatchRig, startDispatchRig } from '../../support/dispatch-rig.ts'
import { eventually } from '../../support/eventually.ts'
import { type Receiver, startReceiver } from '../../support/receiver.ts'

let rig: DispatchRig
const receivers: Receiver[] = []
type Network = Awaited<ReturnType<DispatchRig['network']>>

afterEach(async () => {
  await rig?.close()
  await Promise.all(receivers.splice(0).map((receiver) => receiver.close()))
})

const startRig = async (): Promise<void> => {
  rig = await startDispatchRig({ settings: { RETRY_SCHEDULE: '100ms,5s,5s,5s,5s,5s,5s,5s,5s,5s' } })
}

async function tracker(status: number): Promise<{ network: Network; receiver: Receiver }> {
  const receiver = await startReceiver({ replies: status })
  receivers.push(receiver)
  return { network: await rig.network(receiver.url), receiver }
}

const deliveredOf = async (ids: readonly Uuid[]): Promise<number> => {
  const [row] = await rig.list<{ n: number }>(
    `select count(*)::int as n from deliveries where id = any($1::uuid[]) and state = 'delivered'`,
    [ids],
  )
  return row?.n ?? 0
}
const laneOf = async ({ destinationId }: Network) => {
  const [lane] = await rig.list<{
    mode: string
    recovery: string | null
    reason: string | null
    backed_off_ms: number | null
    blocked: boolean | null
  }>(
    `select mode, recovery, blocked_reason as reason, backed_off_ms, blocked_until > now() as blocked
      from lanes where destination_id = $1`,
    [destinationId],
  )
  return lane
}
const healthOf = ({ destinationId }: Network) => findHealth(rig.db.reads, destinationId, new Date(0))
const endBlock = () => rig.list(`update lanes set blocked_until = now() where mode = 'blocked'`)
const alerts = () => rig.list('select kind, destination_id, closed_at is null as open from alerts')
const events = (): unknown[] => rig.lines.flatMap((line) => ('event' in line ? [line.event] : []))

test('with half of the destinations dead their breakers open, and the others deliver everything', async () => {
  await startRig()
  // One after the other: rows are inserted here without the transaction that makes a control write whole.
  const dead = [await tracker(500), await tracker(503)]
  const alive = [await tracker(200), await tracker(200)]
  const lost = await Promise.all(dead.map((one) => rig.waitingRows(one.network, 300)))
  const good = await Promise.all(alive.map((one) => rig.waitingRows(one.network, 300)))
  rig.work()
  rig.sweep()
  for (const { network } of dead)
    await eventually(async () => expect(await laneOf(network)).toMatchObject({ reason: 'breaker_open' }))
  await eventually(async () => expect(await deliveredOf(good.flat())).toBe(600), { timeoutMs: 20_000 })
  for (const { network } of alive)
    expect(await healthOf(network)).toMatchObject({ breaker: 'closed', held: 0 })
  expect(events()).toContain('breaker_opened')
  for (const [at, { receiver }] of dead.entries()) {
    const ids = lost[at] ?? []
    await eventually(async () => {
      const [books] = await rig.list(
        `select count(*)::int as rows, sum(d.attempts_count)::int as attempts,
          (select count(*)::int from due u where u.delivery_id = any($1::uuid[])) as waiting
        from deliveries d where d.id = any($1::uuid[]) and d.state = 'scheduled'`,
        [ids],
      )
      expect(books).toEqual({ rows: 300, attempts: receiver.received.length, waiting: 300 })
    })
    expect(receiver.received.length).toBeLessThan(100)
  }
})

test('a tracker that comes back gets one call, then few, then everything: nothing is lost, held is shown meanwhile', async () => {
  await startRig()
  const { network, receiver } = await tracker(500)
  const ids = await rig.waitingRows(network, 700)
  rig.work()
  rig.work()
  const first = rig.sweep()
  await eventually(async () => expect(await laneOf(network)).toMatchObject({ mode: 'blocked' }))
  await eventually(async () => expect((await rig.places()).batches).toEqual([]))
  expect(await healthOf(network)).toMatchObject({ breaker: 'open', held: 700 })
  expect(await readBacklog(rig.db.reads)).toMatchObject({ breakersOpen: 1, held: { breaker_open: 700 } })
  const alert = { kind: 'breaker_open', destination_id: network.destinationId }
  expect(await alerts()).toEqual([{ ...alert, open: true }])
  const failed = receiver.received.length
  receiver.reply(200)
  await receiver.waitFor(failed + 20, 20_000)
  expect(['probing', 'closed']).toContain((await healthOf(network))?.breaker)
  await first.close()
  rig.sweep()
  await eventually(async () => expect(await deliveredOf(ids)).toBe(700), { timeoutMs: 40_000, everyMs: 100 })
  const [probe, ...others] = receiver.received.slice(failed)
  const inFirstSecond = others.filter((call) => call.at < (probe?.at ?? 0) + 900)
  expect(inFirstSecond.length).toBeLessThanOrEqual(40)
  expect(receiver.received).toHaveLength(failed + 700)
  await eventually(async () => expect(await healthOf(network)).toMatchObject({ breaker: 'closed', held: 0 }))
  expect(await laneOf(network)).toMatchObject({ recovery: null, backed_off_ms: null })
  expect(events()).toContain('breaker_closed')
  expect(await alerts()).toEqual([{ ...alert, open: false }])
})

describe('a probe', () => {
  const openOf = async (network: Network): Promise<void> => {
    await openBreaker(rig.ctx, network.destinationId)
    await endBlock()
  }

  test('is one call; if it fails the breaker stays open for twice as long', async () => {
    await startRig()
    const { network, receiver } = await tracker(500)
    await rig.waitingRows(network, 50)
    await openOf(network)
    rig.work()
    rig.work()
    rig.sweep()
    for (const [calls, backedOffMs] of [
      [1, 10_000],
      [2, 20_000],
      [3, 40_000],
    ]) {
      await eventually(async () =>
        expect(await laneOf(network)).toMatchObject({ blocked: true, backed_off_ms: backedOffMs }),
      )
      expect(receiver.received).toHaveLength(calls ?? 0)
      await endBlock()
    }
  })

  test('that is out holds the others and shows so; its answer lets all of them go', async () => {
    await startRig()
    const { network, receiver } = await tracker(200)
    const answer = Promise.withResolvers<200>()
    receiver.reply(() => answer.promise)
    const ids = await rig.waitingRows(network, 50)
    await openOf(network)
    rig.work()
    rig.sweep()
    await receiver.waitFor(1)
    expect(await healthOf(network)).toMatchObject({ breaker: 'probing', held: 49 })
    expect(await readBacklog(rig.db.reads)).toMatchObject({ breakersOpen: 1, held: { breaker_open: 49 } })
    answer.resolve(200)
    await eventually(async () => expect(await deliveredOf(ids)).toBe(50))
    await eventually(async () => expect((await healthOf(network))?.breaker).toBe('closed'))
  })

  test('that is answered with a refusal counts as an answer: the ramp starts', async () => {
    await startRig()
    const { network } = await tracker(400)
    await rig.waitingRows(network, 50)
    await openOf(network)
    rig.work()
    rig.sweep()
    await eventually(async () => expect((await laneOf(network))?.mode).toBe('paced'))
    await eventually(async () => expect((await rig.places()).due).toEqual([]))
    await eventually(async () => expect((await healthOf(network))?.breaker).toBe('closed'))
  })
})

describe('a ramp', () => {
  const rampOf = async ({ destinationId }: Network): Promise<void> => {
    await rig.list(
      `insert into lanes (destination_id, mode, recovery, ramp_rate, allowance, ramp_at)
        values ($1, 'paced', 'ramping', 40, 40, now() - interval '1 s')`,
      [destinationId],
    )
  }

  test('does not grow while fresh work waits, and shrinks while it waits for long', async () => {
    await startRig()
    const { network } = await tracker(200)
    await rampOf(network)
    const worker = { id: newUuid(1), host: 'test', pid: 1, rowsInMemory: 0 }
    const rateAfter = async (freshWaitMs: number): Promise<unknown> => {
      await upsertHeartbeat(rig.db.reads, {
        ...worker,
        waitsMs: { deliver: freshWaitMs, 'deliver-again': 0 },
      })
      await rig.list(`update lanes set ramp_at = now() - interval '1 s', ok = 40`)
      await stepRamps(rig.ctx)
      const [lane] = await rig.list<{ ramp_rate: number }>('select ramp_rate from lanes')
      return lane?.ramp_rate
    }
    expect(await rateAfter(300)).toBe(20)
    expect(await rateAfter(150)).toBe(20)
    expect(await rateAfter(10)).toBe(40)
  })

  test('does not end while its backlog waits for room and no call is made', async () => {
    await startRig()
    const { network } = await tracker(200)
    await rampOf(network)
    await rig.waitingRows(network, 10)
    await stepRamps(rig.ctx)
    expect(await laneOf(network)).toMatchObject({ recovery: 'ramping' })
    expect(await rig.list('select ramp_rate from lanes')).toEqual([{ ramp_rate: 40 }])
  })

  test('lets its rows go over the whole second, not in its first sweep', async () => {
    await startRig()
    const { network } = await tracker(200)
    await rig.waitingRows(network, 100)
    await rampOf(network)
    const ctx = { ...rig.ctx, queues: { ...rig.ctx.queues, room: () => 100 } }
    const state = { ...newSweepState(), sweptAtMs: ctx.clock.monotonicMs() - 250 }
    await sweep(ctx, { holder: newUuid(1), state, transitLeaseMs: 15_000 })
    const [batch] = await rig.list<{ rows: number }>(
      'select cardinality(deliveries)::int as rows from batches',
    )
    expect(batch?.rows).toBeGreaterThanOrEqual(10)
    expect(batch?.rows).toBeLessThan(20)
  })
})

describe('opening a breaker', () => {
  test('is one row, whatever the backlog: no row of it is touched, and none travels', async () => {
    await startRig()
    const { network, receiver } = await tracker(200)
    await rig.waitingRows(network, 5000)
    const rowsOfDue = () => rig.list('select delivery_id, xmin::text, ctid::text from due order by 1')
    const before = await rowsOfDue()
    rig.work()
    await openBreaker(rig.ctx, network.destinationId)
    const swept = await sweep(rig.ctx, {
      holder: newUuid(1),
      state: newSweepState(),
      transitLeaseMs: 15_000,
    })
    expect(swept).toBe(0)
    expect(await rowsOfDue()).toEqual(before)
    expect(await healthOf(network)).toMatchObject({ breaker: 'open', held: 5000 })
    expect(receiver.received).toEqual([])
  })

  test.each(['destination', 'affiliate'] as const)(
    'is forgotten with its alert when the %s is archived',
    async (noun) => {
      await startRig()
      const { network } = await tracker(500)
      await rig.waitingRows(network, 5)
      await openBreaker(rig.ctx, network.destinationId)
      await archive(rig.ctx, noun, noun === 'destination' ? network.destinationId : network.affiliateId)
      expect(await rig.list('select closed_at is null as open from alerts')).toEqual([{ open: false }])
      expect(await rig.list('select * from lanes')).toEqual([])
      // A call that was out meanwhile may be the one that would open it.
      await openBreaker(rig.ctx, network.destinationId)
      expect(await rig.list('select closed_at is null as open from alerts')).toEqual([{ open: false }])
      expect(await rig.list('select * from lanes')).toEqual([])
    },
  )

  test('does nothing to a lane that its receiver asked to leave alone', async () => {
    await startRig()
    const { network } = await tracker(200)
    await withTx(rig.db.reads, (tx) =>
      blockLanes(tx, [{ destinationId: network.destinationId, forMs: 60_000 }]),
    )
    await openBreaker(rig.ctx, network.destinationId)
    expect(await laneOf(network)).toMatchObject({ reason: 'receiver_asked', recovery: null })
  })

  test.each([
    [3_600_000, 'receiver_asked', true],
    [1000, 'breaker_open', false],
  ])(
    'and a Retry-After of %i ms: the later time wins, and a probe follows',
    async (forMs, reason, isLater) => {
      await startRig()
      const { network } = await tracker(200)
      await openBreaker(rig.ctx, network.destinationId)
      await withTx(rig.db.reads, (tx) => blockLanes(tx, [{ destinationId: network.destinationId, forMs }]))
      expect(await laneOf(network)).toMatchObject({ mode: 'blocked', reason, recovery: 'probing' })
      expect(await rig.list(`select blocked_until > now() + interval '59 min' as later from lanes`)).toEqual([
        { later: isLater },
      ])
    },
  )
})

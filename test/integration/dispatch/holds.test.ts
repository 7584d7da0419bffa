import { afterEach, describe, expect, test } from 'vitest'
import { archive as archiveNoun, restore } from '../../../src/catalogue/archive.ts'
import { withControlWrite } from '../../../src/catalogue/control-write.ts'
import { setDestinationState } from '../../../src/destinations/write-destination.ts'
import { encodeId, newUuid } from '../../../src/kit/ids.ts'
import { type DispatchRig, startDispatchRig, type Way } from '../../support/dispatch-rig.ts'
import { eventually } from '../../support/eventually.ts'
import { type Receiver, startReceiver } from '../../support/receiver.ts'

let rig: DispatchRig
let receiver: Receiver
type Network = Awaited<ReturnType<DispatchRig['network']>>

afterEach(async () => {
  await rig?.close()
  await receiver?.close()
})

async function setUp(
  replies: NonNullable<Parameters<typeof startReceiver>[0]>['replies'] = 200,
): Promise<Network> {
  receiver = await startReceiver({ replies })
  rig = await startDispatchRig({ settings: { DELIVERY_TIMEOUT_MS: '2000' } })
  return rig.network(receiver.url)
}

const write = (text: string, id: string): Promise<unknown> =>
  withControlWrite(rig.ctx, (tx, version) => tx.query({ text, values: [id, version] }))
const setState = (network: Network, state: string): Promise<unknown> =>
  write(`update destinations set state = '${state}', changed_in = $2 where id = $1`, network.destinationId)
const archive = (table: string, id: string): Promise<unknown> =>
  write(`update ${table} set archived_at = now(), changed_in = $2 where id = $1`, id)

const scheduleMany = async (network: Network, count: number): Promise<Way[]> => {
  const ways: Way[] = []
  for (let n = 0; n < count; n++) ways.push(await rig.schedule(network))
  return ways
}
const ids = (ways: readonly Way[]): string[] => ways.map((way) => way.deliveryId)
const lane = async (): Promise<Record<string, unknown> | undefined> =>
  (
    await rig.list('select mode, previous_mode, blocked_until > now() as blocked, blocked_reason from lanes')
  )[0]
const alerts = () => rig.list('select kind, destination_id, closed_at is null as open from alerts')
const state = async (id: string): Promise<string> => (await rig.delivery(id)).state

describe('Retry-After', () => {
  test('blocks the whole lane for as long as was asked and uses no retry up', async () => {
    const network = await setUp([{ status: 429, headers: { 'retry-after': '3600' } }, 200])
    const [first, second] = await scheduleMany(network, 2)
    rig.work()
    await rig.travel([first?.deliveryId ?? ''])
    await eventually(async () => expect(await lane()).toMatchObject({ mode: 'blocked', blocked: true }))
    expect(await rig.delivery(first?.deliveryId ?? '')).toMatchObject({
      state: 'scheduled',
      attempts_count: 1,
      retries_used: 0,
      last_error: 'http_429',
    })
    rig.sweep()
    await rig.travel([second?.deliveryId ?? ''])
    await eventually(async () => expect((await rig.places()).due).toHaveLength(2))
    expect(receiver.received).toHaveLength(1)
    const [due] = await rig.list<{ reason: string; waits: boolean }>(
      `select reason, due_at > now() + interval '59 min' as waits from due where delivery_id = $1`,
      [first?.deliveryId],
    )
    expect(due).toEqual({ reason: 'receiver_asked', waits: true })
  })

  test('when the time is over the lane returns to its previous mode and everything goes out', async () => {
    const network = await setUp([{ status: 503, headers: { 'retry-after': '1' } }, 200])
    const ways = await scheduleMany(network, 3)
    rig.work()
    rig.sweep()
    await rig.travel(ids(ways).slice(0, 1))
    await receiver.waitFor(1)
    await eventually(async () => expect((await lane())?.mode).toBe('blocked'))
    await rig.travel(ids(ways).slice(1))
    for (const way of ways)
      await eventually(async () => expect(await state(way.deliveryId)).toBe('delivered'))
    expect(await lane()).toMatchObject({ mode: 'direct', blocked_reason: null })
    expect(receiver.received).toHaveLength(4)
  })

  test('a later time wins, an earlier one never shortens', async () => {
    const network = await setUp([
      { status: 429, headers: { 'retry-after': '7200' } },
      { status: 429, headers: { 'retry-after': '60' } },
    ])
    const ways = await scheduleMany(network, 2)
    rig.work()
    await rig.travel(ids(ways))
    await receiver.waitFor(2)
    await eventually(async () =>
      expect(await rig.list(`select blocked_until > now() + interval '119 min' as late from lanes`)).toEqual([
        { late: true },
      ]),
    )
  })

  test('a delivery that was held for 7 days fails', async () => {
    const network = await setUp({ status: 429, headers: { 'retry-after': '60' } })
    const { deliveryId } = await rig.schedule(network)
    await rig.list(`update deliveries set held_since = now() - interval '8 days', attempts_count = 5`)
    rig.work()
    await rig.travel([deliveryId])
    await eventually(async () => expect(await state(deliveryId)).toBe('failed'))
  })
})

describe('410', () => {
  test('disables the destination and holds its deliveries until it is active again', async () => {
    const network = await setUp([410, 200])
    const [first, second] = await scheduleMany(network, 2)
    rig.work()
    rig.sweep()
    await rig.travel([first?.deliveryId ?? ''])
    await eventually(async () => expect((await rig.places()).due).toEqual([first?.deliveryId]))
    expect(rig.ctx.catalogue.destination(network.destinationId)?.state).toBe('disabled')
    expect(await rig.delivery(first?.deliveryId ?? '')).toMatchObject({ state: 'scheduled', retries_used: 0 })
    await rig.travel([second?.deliveryId ?? ''])
    await eventually(async () => expect((await rig.places()).due).toHaveLength(2))
    expect(receiver.received).toHaveLength(1)
    await setDestinationState(rig.ctx, network.destinationId, 'active')
    await eventually(async () => expect(await state(second?.deliveryId ?? '')).toBe('delivered'))
    await eventually(async () => expect(await state(first?.deliveryId ?? '')).toBe('delivered'))
  })

  test('of an address that was corrected meanwhile does not disable the destination', async () => {
    const network = await setUp()
    const { deliveryId } = await rig.schedule(network)
    const correct = (): Promise<unknown> =>
      withControlWrite(rig.ctx, (tx, version) =>
        tx.query({
          text: `with v as (
              insert into destination_versions (destination_id, version, definition)
              select destination_id, 2, definition || '{"name": "corrected"}' from destination_versions where destination_id = $1)
            update destinations set version = 2, changed_in = $2 where id = $1`,
          values: [network.destinationId, version],
        }),
      )
    receiver.reply(async (_call, n) => {
      if (n > 0) return 200
      await correct()
      return 410
    })
    rig.work()
    rig.sweep()
    await rig.travel([deliveryId])
    await eventually(async () => expect(await state(deliveryId)).toBe('delivered'))
    expect(rig.ctx.catalogue.destination(network.destinationId)?.state).toBe('active')
  })

  test('to a replay of the original, whose address was corrected since, is tried again by the schedule and then failed', async () => {
    const network = await setUp(200)
    const { deliveryId } = await rig.schedule(network)
    rig.work()
    rig.sweep()
    await rig.travel([deliveryId])
    await eventually(async () => expect(await state(deliveryId)).toBe('delivered'))
    await write(
      `with v as (
          insert into destination_versions (destination_id, version, definition)
          select destination_id, 2, definition || '{"url": "http://127.0.0.1:1/corrected"}' from destination_versions where destination_id = $1)
        update destinations set version = 2, changed_in = $2 where id = $1`,
      network.destinationId,
    )
    receiver.reply(410)
    const replayId = newUuid(Date.now())
    await rig.list(
      `with r as (insert into replays (id, delivery_id, render, requested_by) values ($2, $1, 'original', 'test')),
          d as (update deliveries set state = 'scheduled', replay_id = $2 where id = $1)
        insert into due (delivery_id, destination_id, share, due_at) values ($1, $3, 2, now())`,
      [deliveryId, replayId, network.destinationId],
    )
    await eventually(async () => expect(await state(deliveryId)).toBe('failed'))
    expect(await rig.delivery(deliveryId)).toMatchObject({ retries_used: 2, last_error: 'http_410' })
    expect(rig.ctx.catalogue.destination(network.destinationId)?.state).toBe('active')
  })
})

describe('a destination that a 410 disabled', () => {
  test('is told of by an alert and a log line, until somebody resumes it', async () => {
    const network = await setUp([410, 200])
    const { destinationId } = network
    const { deliveryId } = await rig.schedule(network)
    rig.work()
    await rig.travel([deliveryId])
    const alert = { kind: 'destination_disabled', destination_id: destinationId }
    await eventually(async () => expect(await alerts()).toEqual([{ ...alert, open: true }]))
    await eventually(() =>
      expect(rig.lines.filter(({ event }) => event === 'destination_disabled')).toMatchObject([
        { destination: encodeId('destination', destinationId) },
      ]),
    )
    await setDestinationState(rig.ctx, destinationId, 'active')
    expect(await alerts()).toEqual([{ ...alert, open: false }])
  })
})

describe('pause', () => {
  test('no claim after its answer starts a call; the rows wait in due', async () => {
    const network = await setUp()
    const { deliveryId } = await rig.schedule(network)
    rig.work()
    rig.sweep()
    await setState(network, 'paused')
    await rig.travel([deliveryId])
    await eventually(async () => expect(await rig.places()).toEqual({ due: [deliveryId], batches: [] }))
    expect(receiver.received).toHaveLength(0)
    await setState(network, 'active')
    await eventually(async () => expect(await state(deliveryId)).toBe('delivered'))
  })

  test('rows that wait in a lane stop within a second', async () => {
    const network = await setUp('hang')
    const ways = await scheduleMany(network, 8)
    rig.work()
    await rig.travel(ids(ways))
    await receiver.waitFor(2)
    await setState(network, 'paused')
    await eventually(async () => expect((await rig.places()).due).toHaveLength(6), { timeoutMs: 3000 })
    expect(receiver.received).toHaveLength(2)
    expect((await rig.places()).batches.flat()).toHaveLength(2)
  })
})

describe('archive', () => {
  test.each([
    ['destinations', 'destinationId', 'destination_archived'],
    ['affiliates', 'affiliateId', 'affiliate_archived'],
    ['offers', 'offerId', 'offer_archived'],
    ['advertisers', 'advertiserId', 'advertiser_archived'],
  ] as const)('of %s cancels what travels and what waits', async (table, key, reason) => {
    const network = await setUp()
    const [travelling, waiting] = await scheduleMany(network, 2)
    await archive(table, network[key])
    rig.work()
    await rig.travel([travelling?.deliveryId ?? ''])
    await rig.list(`insert into due (delivery_id, destination_id, share, due_at) values ($1, $2, 0, now())`, [
      waiting?.deliveryId,
      network.destinationId,
    ])
    rig.sweep()
    for (const way of [travelling, waiting])
      await eventually(async () =>
        expect(await rig.delivery(way?.deliveryId ?? '')).toMatchObject({ state: 'cancelled', reason }),
      )
    expect(receiver.received).toHaveLength(0)
    expect(await rig.places()).toEqual({ due: [], batches: [] })
  })

  test('that is still cancelling a backlog stops where it is taken back: what has come since goes out', async () => {
    const network = await setUp()
    const { destinationId } = network
    const fresh: Way[] = []
    const { reads } = rig.db
    const restoredBeforeLooking: typeof reads = {
      connect: () => reads.connect(),
      async query(statement) {
        if (statement.text.startsWith('select delivery_id from due')) {
          await restore(rig.ctx, 'destination', destinationId)
          fresh.push(await rig.schedule(network, { place: 'due' }))
        }
        return reads.query(statement)
      },
    }
    await archiveNoun(
      { ...rig.ctx, db: { ...rig.db, reads: restoredBeforeLooking } },
      'destination',
      destinationId,
    )
    expect(await Promise.all(fresh.map(({ deliveryId }) => state(deliveryId)))).toEqual(['scheduled'])
  })

  test('rows that wait in a lane are cancelled', async () => {
    const network = await setUp('hang')
    const ways = await scheduleMany(network, 4)
    rig.work()
    await rig.travel(ids(ways))
    await receiver.waitFor(2)
    await archive('destinations', network.destinationId)
    await eventually(async () =>
      expect(await rig.list(`select count(*)::int n from deliveries where state = 'cancelled'`)).toEqual([
        { n: 2 },
      ]),
    )
    expect(receiver.received).toHaveLength(2)
  })
})

describe('flooded lanes', () => {
  test('what overflows goes back uncounted, the lane is paced, and all of it is delivered', async () => {
    const network = await setUp()
    const ways = await scheduleMany(network, 40)
    rig.work()
    rig.sweep()
    await rig.travel(ids(ways))
    await eventually(async () => expect((await lane())?.mode).toBe('paced'))
    await eventually(async () =>
      expect(
        await rig.list(`select state, attempts_count, count(*)::int n from deliveries group by 1, 2`),
      ).toEqual([{ state: 'delivered', attempts_count: 1, n: 40 }]),
    )
    expect(receiver.received).toHaveLength(40)
    const lanes = await rig.list('select destination_id from lanes')
    expect(lanes).toEqual([{ destination_id: network.destinationId }])
  })

  test('rows of a paced lane in a mixed batch go back: the sweeper alone releases them', async () => {
    const network = await setUp()
    await rig.list(`insert into lanes (destination_id, mode) values ($1, 'paced')`, [network.destinationId])
    const { deliveryId } = await rig.schedule(network)
    rig.work()
    await rig.travel([deliveryId])
    await eventually(async () => expect(await rig.places()).toEqual({ due: [deliveryId], batches: [] }))
    expect(receiver.received).toHaveLength(0)
    rig.sweep()
    await eventually(async () => expect(await state(deliveryId)).toBe('delivered'))
  })
})

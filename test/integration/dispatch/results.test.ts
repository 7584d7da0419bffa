import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Context } from '../../../src/context.ts'
import { createCutDatabase } from '../../support/cut-database.ts'
import { type DispatchRig, startDispatchRig, type Way } from '../../support/dispatch-rig.ts'
import { eventually } from '../../support/eventually.ts'
import { type Receiver, type Reply, startReceiver } from '../../support/receiver.ts'

let rig: DispatchRig
let receiver: Receiver
let ways: Way[]

beforeEach(async () => {
  receiver = await startReceiver()
  rig = await startDispatchRig({ settings: { DELIVERY_TIMEOUT_MS: '4000' } })
  const network = await rig.network(receiver.url)
  ways = [await rig.schedule(network), await rig.schedule(network), await rig.schedule(network)]
})
afterEach(async () => {
  await rig.close()
  await receiver.close()
})

const travel = (): Promise<string> => rig.travel(ways.map((way) => way.deliveryId))
const states = () =>
  rig.list(
    'select state, reason, attempts_count, count(*)::int n from deliveries group by 1, 2, 3 order by 1',
  )

test('a commit without an answer is not done twice: each attempt is stored once and counts once', async () => {
  const db = createCutDatabase(rig.db)
  db.commitsWithoutAnswer = 1
  rig.work({ db })
  await travel()
  await eventually(async () => expect(db.commitsWithoutAnswer).toBe(0))
  await eventually(async () =>
    expect(await states()).toEqual([{ state: 'delivered', reason: null, attempts_count: 1, n: 3 }]),
  )
  await rig.work().close()
  expect(await rig.list('select late, count(*)::int n from attempts group by 1')).toEqual([
    { late: false, n: 3 },
  ])
  expect(await rig.places()).toEqual({ due: [], batches: [] })
})

test('a retry whose commit got no answer waits in due once', async () => {
  receiver.reply(500)
  const db = createCutDatabase(rig.db)
  db.commitsWithoutAnswer = 1
  const worker = rig.work({ db })
  await travel()
  await eventually(async () => expect((await rig.places()).due).toHaveLength(3))
  await worker.close()
  expect(await states()).toEqual([{ state: 'scheduled', reason: null, attempts_count: 1, n: 3 }])
  expect((await rig.places()).batches).toEqual([])
})

test('an answer that Postgres can not store costs its body only, and nobody else anything', async () => {
  const guilty = ways[1]?.clickId ?? ''
  const outbound: Context['outbound'] = {
    ...rig.ctx.outbound,
    async send(request) {
      const outcome = await rig.ctx.outbound.send(request)
      if (outcome.kind !== 'answer' || !request.url.includes(guilty)) return outcome
      return { ...outcome, answer: { ...outcome.answer, body: 'a\u0000b' } }
    },
  }
  rig.work({ outbound })
  await travel()
  await eventually(async () =>
    expect(await states()).toEqual([{ state: 'delivered', reason: null, attempts_count: 1, n: 3 }]),
  )
  expect(await rig.list('select id from attempt_bodies')).toHaveLength(2)
})

test('what can not be stored even so ends as failed instead of holding the flush for ever', async () => {
  const outbound: Context['outbound'] = {
    ...rig.ctx.outbound,
    async send(request) {
      const outcome = await rig.ctx.outbound.send(request)
      const isGuilty = request.url.includes(ways[0]?.clickId ?? '')
      return isGuilty && outcome.kind === 'answer' ? { ...outcome, remoteIp: 'a\u0000b' } : outcome
    },
  }
  rig.work({ outbound })
  await travel()
  await eventually(async () =>
    expect(await states()).toEqual([
      { state: 'delivered', reason: null, attempts_count: 1, n: 2 },
      { state: 'failed', reason: 'outcome_not_storable', attempts_count: 0, n: 1 },
    ]),
  )
})

/** What is refused of this delivery makes the relay throw: the newer revision that has to be decided again is gone. */
async function makeThrowing({ conversion }: Way): Promise<void> {
  const { rows } = await rig.db.reads.query<{ destination_id: string }>({
    text: 'select destination_id from deliveries limit 1',
  })
  const destinationId = rows[0]?.destination_id ?? ''
  const skipped = await rig.addRevision({ destinationId }, conversion, { revision: 2, place: 'nowhere' })
  await rig.list(`update deliveries set state = 'skipped', reason = 'nothing_changed' where id = $1`, [
    skipped,
  ])
  await rig.list('delete from revisions where conversion_id = $1 and revision = 2', [conversion.id])
}

const delivered = () => rig.list(`select count(*)::int as n from deliveries where state = 'delivered'`)

test('an outcome that makes the relay itself throw keeps no other one from being stored', async () => {
  const [guilty] = ways as [Way]
  await makeThrowing(guilty)
  receiver.reply((call) => (call.query.get('clickid') === guilty.clickId ? 400 : 200))
  rig.work()
  await travel()
  await eventually(async () => expect(await delivered()).toEqual([{ n: 2 }]), { timeoutMs: 20_000 })
})

test('an outcome that was given up stays in its batch for the takeover, whatever of the batch ends after it', async () => {
  const [guilty] = ways as [Way]
  await makeThrowing(guilty)
  const { promise, resolve } = Promise.withResolvers<Reply>()
  receiver.reply((call) => (call.query.get('clickid') === guilty.clickId ? 400 : promise))
  rig.work({ config: { ...rig.ctx.config, deliveryTimeoutMs: 20_000 } })
  await travel()
  const givenUp = () => rig.lines.filter(({ msg }) => msg === 'an outcome can not be stored as it is')
  await eventually(() => expect(givenUp()).toHaveLength(3), { timeoutMs: 20_000 })
  resolve(200)
  await eventually(async () => expect(await delivered()).toEqual([{ n: 2 }]))
  expect(await rig.places()).toEqual({ due: [], batches: [[guilty.deliveryId]] })
})

test('a claim that was lost in a crash of Postgres costs nothing: nobody else has the batch', async () => {
  const { promise, resolve } = Promise.withResolvers<Reply>()
  receiver.reply(() => promise)
  rig.work()
  await travel()
  await receiver.waitFor(2)
  await rig.list('update batches set claimed_by = null, runs = 0')
  resolve(200)
  await eventually(async () =>
    expect(await states()).toEqual([{ state: 'delivered', reason: null, attempts_count: 1, n: 3 }]),
  )
  expect(await rig.list('select distinct late from attempts')).toEqual([{ late: false }])
})

test('a row leaves its batch with its outcome, so that a takeover of the rest can not bring it to a second place', async () => {
  const slow = ways[2]?.clickId
  receiver.reply((call) => (call.query.get('clickid') === slow ? 'hang' : 500))
  const db = createCutDatabase(rig.db)
  db.commitsWithoutAnswer = 1
  rig.work({ db })
  await travel()
  await eventually(async () => expect((await rig.places()).due).toHaveLength(2))
  expect((await rig.places()).batches).toEqual([[ways[2]?.deliveryId]])
  await eventually(async () =>
    expect(await rig.list('select rows_in_memory from workers')).toEqual([{ rows_in_memory: 1 }]),
  )
  expect(await states()).toEqual([
    { state: 'scheduled', reason: null, attempts_count: 0, n: 1 },
    { state: 'scheduled', reason: null, attempts_count: 1, n: 2 },
  ])
})

test('a refused revision lets a newer one through that was skipped because of it', async () => {
  const { promise, resolve } = Promise.withResolvers<Reply>()
  receiver.reply((_, n) => (n === 0 ? promise : 200))
  const [way] = ways
  if (way === undefined) throw new Error('no way')
  const [row] = await rig.list<{ destination_id: string }>('select destination_id from deliveries limit 1')
  await rig.list('update conversions set revision = 2 where id = $1', [way.conversion.id])
  rig.work()
  rig.sweep()
  await rig.travel([way.deliveryId])
  await receiver.waitFor(1)
  const newer = await rig.addRevision({ destinationId: row?.destination_id ?? '' }, way.conversion, {
    place: 'nowhere',
    revision: 2,
  })
  await rig.list(`update deliveries set state = 'skipped', reason = 'nothing_changed' where id = $1`, [newer])
  resolve(422)
  await eventually(async () => expect((await rig.delivery(newer)).state).toBe('delivered'))
  expect((await rig.delivery(way.deliveryId)).state).toBe('refused')
})

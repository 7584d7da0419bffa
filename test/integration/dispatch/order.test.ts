import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { createIntake } from '../../../src/intake/create-intake.ts'
import type { Uuid } from '../../../src/kit/ids.ts'
import { type DispatchRig, startDispatchRig } from '../../support/dispatch-rig.ts'
import { eventually } from '../../support/eventually.ts'
import {
  type OrderWorld,
  olderAfterNewer,
  overlapping,
  startOrderWorld,
  unexplained,
} from '../../support/order-world.ts'
import { callOf, reportOf } from '../../support/reports.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const SEED = Number(process.env.ORDER_SEED ?? 20261123)
const LOAD_MS = Number(process.env.ORDER_MS ?? 10_000)
const TIMES = { leaseMs: 1800, deliveryTimeoutMs: 500 }
const CONVERSIONS = 16
const DESTINATIONS = 6
const URL = 'http://tracker.example'

let rig: DispatchRig
let world: OrderWorld

afterEach(async () => {
  await world?.close()
  await rig?.close()
})

test('whatever dies, freezes, comes late, is lost or doubled: nothing is lost, nothing goes back, no second send without a cause', {
  timeout: 120_000,
}, async () => {
  const { network, random } = await startWorld({})
  const places = watchPlaces()
  await reportFor(LOAD_MS, network, random)
  await eventually(async () => expect(await unfinished()).toBe(0), { timeoutMs: 40_000, everyMs: 200 })
  const misplaced = await places.end()
  world.calm()
  await eventually(async () => expect(await storedAttempts()).toHaveLength(world.sends.length), {
    timeoutMs: 20_000,
  })

  const inTime = new Set((await storedAttempts()).filter((one) => !one.late).map((one) => Number(one.n)))
  const found = {
    olderAfterNewer: olderAfterNewer(world.sends).length,
    overlapping: overlapping(world.sends).length,
    unexplained: unexplained(world.sends, inTime).length,
    misplaced,
    newestNotDelivered: await newestNotDelivered(),
  }
  expect(found, `seed ${SEED}, ${world.sends.length} sends`).toEqual({
    olderAfterNewer: 0,
    overlapping: 0,
    unexplained: 0,
    misplaced: 0,
    newestNotDelivered: 0,
  })
  expect(await rig.places()).toEqual({ due: [], batches: [] })
  for (const count of Object.values(world.counts)) expect(count).toBeGreaterThan(0)
})

test('with the deadline check taken out, this suite hears an older revision after a newer one, or two at once', {
  timeout: 120_000,
}, async () => {
  const { network, random } = await startWorld({ deadlineNeverComes: true })
  const violations = (): number => olderAfterNewer(world.sends).length + overlapping(world.sends).length
  for (let rounds = 0; rounds < 30 && violations() === 0; rounds++) await reportFor(2000, network, random)
  expect(violations(), `seed ${SEED}, ${world.sends.length} sends`).toBeGreaterThan(0)
})

/** Five workers with mishaps, two sweepers, hints that are lost or doubled, one affiliate with six trackers. */
async function startWorld({ deadlineNeverComes = false }) {
  const random = seededRandom(SEED)
  rig = await startDispatchRig({
    config: { ...TIMES, retryScheduleMs: Array.from({ length: 200 }, () => 100), shutdownGraceMs: 4000 },
    settings: { LOG_LEVEL: 'silent' },
  })
  rig.memory.copies = (batchId) => {
    if (random() < 0.08) void sleep(random() * 700).then(() => rig.memory.again(batchId))
    return random() < 0.05 ? 0 : 1
  }
  const network = await networkOf(DESTINATIONS)
  world = startOrderWorld({
    rig,
    random,
    workers: 5,
    // Well over a half is delivered, or the breakers would stop the flow that this test is about.
    odds: { death: 0.01, freeze: 0.03, slowFlush: 0.04, delivered: 0.75 },
    callMs: TIMES.deliveryTimeoutMs,
    standstillMs: TIMES.leaseMs * 1.4,
    deadlineNeverComes,
  })
  rig.sweep({ transitLeaseMs: 600 })
  rig.sweep({ transitLeaseMs: 600 })
  return { network, random }
}

/** One affiliate with several destinations that hear of every revision. */
async function networkOf(destinations: number) {
  const definition = (n: number) => ({
    url: `${URL}/${n}?c={conversion_id}&d={delivery_id}&r={revision}`,
    changes: ['status' as const, 'amount' as const],
  })
  const network = await rig.rows.network(definition(0))
  for (let n = 1; n < destinations; n++) await rig.rows.destination(network.affiliateId, {}, definition(n))
  await rig.ctx.catalogue.refresh()
  return network
}

/** Every report is a new amount, so each is a revision for every destination. */
async function reportFor(
  ms: number,
  network: { advertiserId: Uuid; offerId: Uuid; affiliateId: Uuid },
  random: () => number,
) {
  const intake = createIntake(rig.ctx)
  const endsAt = performance.now() + ms
  let amount = 0
  const reporter = async (): Promise<void> => {
    while (performance.now() < endsAt) {
      await sleep(random() * 24)
      const transactionId = `t${Math.floor(random() * CONVERSIONS)}`
      await intake.submit(
        callOf(network.advertiserId),
        reportOf({
          transactionId,
          affiliateId: rig.ctx.catalogue.partnerId('affiliate', network.affiliateId),
          offerId: rig.ctx.catalogue.partnerId('offer', network.offerId),
          payout: String(++amount),
          status: 'approved',
        }),
        null,
      )
    }
  }
  await Promise.all([reporter(), reporter(), reporter()])
  await intake.close()
}

/** Counts, as often as it can, scheduled deliveries that are in no place or in two. */
function watchPlaces(): { end(): Promise<number> } {
  let watching = true
  let misplaced = 0
  const watch = async (): Promise<void> => {
    while (watching) {
      const [row] = await rig.list<{ n: number }>(
        `select count(*)::int as n from (
          select from deliveries d
          left join (select delivery_id as id from due union all select unnest(deliveries) from batches) place on place.id = d.id
          where d.state = 'scheduled' group by d.id having count(place.id) <> 1) misplaced`,
      )
      misplaced += row?.n ?? 0
      await sleep(20)
    }
  }
  const watched = watch()
  return {
    async end() {
      watching = false
      await watched
      return misplaced
    },
  }
}

async function unfinished(): Promise<number> {
  const [row] = await rig.list<{ n: number }>(
    `select (select count(*) from deliveries where state = 'scheduled')::int + (select count(*) from batches)::int
      + (select count(*) from due)::int as n`,
  )
  return row?.n ?? 0
}

const storedAttempts = () =>
  rig.list<{ n: string; late: boolean }>(
    `select b.response ->> 'body' as n, a.late from attempts a join attempt_bodies b on b.id = a.id`,
  )

async function newestNotDelivered(): Promise<number> {
  const [row] = await rig.list<{ n: number }>(
    `select count(*)::int as n from (
      select distinct on (conversion_id, destination_id) state from deliveries
      order by conversion_id, destination_id, revision desc) newest
    where state <> 'delivered'`,
  )
  return row?.n ?? 0
}

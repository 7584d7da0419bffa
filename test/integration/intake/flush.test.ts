import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { insertClicks } from '../../../src/clicks/store.ts'
import { createIntake } from '../../../src/intake/create-intake.ts'
import { settleDue } from '../../../src/intake/settle.ts'
import { newUuid } from '../../../src/kit/ids.ts'
import { type IntakeRig, startIntakeRig } from '../../support/intake-rig.ts'

let rig: IntakeRig
const notDirect = new Set<string>()
beforeEach(async () => {
  notDirect.clear()
  rig = await startIntakeRig({ notDirect })
})
afterEach(() => rig.close())

type Network = Awaited<ReturnType<IntakeRig['rows']['network']>>

async function networkWithClick(
  definition: Parameters<IntakeRig['rows']['network']>[0] = {},
): Promise<Network> {
  const network = await rig.rows.network(definition)
  await rig.rows.click({ ...network, clickId: 'c1', affiliateClickId: 'tracker-1' })
  return network
}

const places = () =>
  rig.list<{ due: number; travelling: number }>(
    'select (select count(*)::int from due) as due, (select coalesce(sum(cardinality(deliveries)), 0)::int from batches) as travelling',
  )

describe('a new conversion', () => {
  test('is answered after conversion, revision, delivery, call and batch are stored, and the batch is hinted', async () => {
    const { advertiserId } = await networkWithClick()
    const outcome = await rig.report(advertiserId, { clickId: 'c1', transactionId: 't1', payout: '1.25' })
    expect(outcome).toMatchObject({ result: 'accepted', revision: 1 })
    const stored =
      await rig.list(`select c.affiliate_click_id, c.payout, r.fanout_count, d.state, b.id as batch, i.result
      from conversions c join revisions r on r.conversion_id = c.id join deliveries d on d.revision_id = r.id
      join batches b on d.id = any(b.deliveries) join inbound_calls i on i.id = r.inbound_call_id`)
    expect(stored).toEqual([
      {
        affiliate_click_id: 'tracker-1',
        payout: '1.250000',
        fanout_count: 1,
        state: 'scheduled',
        batch: rig.hinted[0],
        result: 'accepted',
      },
    ])
  })

  test('for a lane that is not direct waits in due, in no batch', async () => {
    const { advertiserId, destinationId } = await networkWithClick()
    notDirect.add(destinationId)
    await rig.report(advertiserId, { clickId: 'c1' })
    expect(await places()).toEqual([{ due: 1, travelling: 0 }])
  })

  test.each([{ concurrency: 5 }, { rate_limit: { per_second: 5 } }])(
    'for a destination with %j waits in due, in no batch: the sweeper alone releases it',
    async (limit) => {
      const { advertiserId } = await networkWithClick(limit)
      await rig.report(advertiserId, { clickId: 'c1' })
      expect(await places()).toEqual([{ due: 1, travelling: 0 }])
    },
  )

  test('waits in due while the queue has no room', async () => {
    const full = await startIntakeRig({ room: 0 })
    const network = await full.rows.network()
    await full.rows.click({ ...network, clickId: 'c1', affiliateClickId: 'x' })
    await full.report(network.advertiserId, { clickId: 'c1' })
    expect(await full.list('select count(*)::int as n from due')).toEqual([{ n: 1 }])
    await full.close()
  })

  test('with a delay waits in due for that long', async () => {
    const { advertiserId } = await networkWithClick({ delay_seconds: 3600 })
    await rig.report(advertiserId, { clickId: 'c1' })
    expect(await rig.list(`select reason, due_at > now() + interval '59 min' as later from due`)).toEqual([
      { reason: 'delay', later: true },
    ])
  })

  test('of 1,000 reports at once: each is stored once, in few transactions', async () => {
    const { advertiserId } = await networkWithClick()
    const outcomes = await Promise.all(
      Array.from({ length: 1000 }, (_, n) =>
        rig.report(advertiserId, { clickId: 'c1', transactionId: `t${n}` }),
      ),
    )
    expect(outcomes.every((outcome) => outcome.result === 'accepted')).toBe(true)
    const [counts] = await rig.list(
      'select (select count(*)::int from conversions) c, (select count(distinct xmin::text)::int from conversions) tx',
    )
    expect(counts).toMatchObject({ c: 1000 })
    expect(Number(counts?.tx)).toBeLessThan(40)
  })
})

describe('a repeated report', () => {
  test('with nothing new is a duplicate of the same conversion and sends nothing', async () => {
    const { advertiserId } = await networkWithClick()
    const first = await rig.report(advertiserId, { clickId: 'c1', transactionId: 't1', status: 'approved' })
    const again = await rig.report(advertiserId, { clickId: 'c1', transactionId: 't1', status: 'approved' })
    expect(again).toEqual({ ...first, result: 'duplicate', note: null })
    expect(await rig.decisions()).toEqual(['1 approved scheduled'])
  })

  test('sent 50 times at once makes one conversion', async () => {
    const { advertiserId } = await networkWithClick()
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, () => rig.report(advertiserId, { clickId: 'c1', transactionId: 't1' })),
    )
    expect(outcomes.filter(({ result }) => result === 'accepted')).toHaveLength(1)
    expect(await rig.list('select count(*)::int n from deliveries')).toEqual([{ n: 1 }])
  })

  test('1,001 times at once: 1,000 wait, the last is refused, others have room', async () => {
    const { advertiserId } = await networkWithClick()
    const same = () => rig.report(advertiserId, { clickId: 'c1', transactionId: 't1' })
    const waiting = Array.from({ length: 1000 }, same)
    await expect(same()).rejects.toMatchObject({ code: 'overloaded' })
    expect((await rig.report(advertiserId, { clickId: 'c1', transactionId: 't2' })).result).toBe('accepted')
    expect((await Promise.all(waiting)).filter(({ result }) => result === 'accepted')).toHaveLength(1)
  })

  test('of one turn keeps its order: the last status wins', async () => {
    const { advertiserId } = await networkWithClick({ statuses: ['pending', 'approved', 'rejected'] })
    await Promise.all(
      (['pending', 'approved', 'rejected'] as const).map((status) =>
        rig.report(advertiserId, { clickId: 'c1', transactionId: 't1', status }),
      ),
    )
    expect(await rig.list('select status, revision from conversions')).toEqual([
      { status: 'rejected', revision: 3 },
    ])
  })

  test('pending after approved is stale', async () => {
    const { advertiserId } = await networkWithClick()
    await rig.report(advertiserId, { clickId: 'c1', transactionId: 't1', status: 'approved' })
    expect(await rig.report(advertiserId, { transactionId: 't1', status: 'pending' })).toMatchObject({
      result: 'duplicate',
      note: 'stale_status',
    })
  })

  test("late retries of the sender's queue do not pay a rejected conversion, however many come", async () => {
    const { advertiserId } = await networkWithClick()
    const approved = { clickId: 'c1', transactionId: 't1', status: 'approved' as const }
    await rig.report(advertiserId, approved)
    await rig.report(advertiserId, { clickId: 'c1', transactionId: 't1', status: 'rejected' })
    // A caller that timed out more than once leaves as many behind.
    for (let copy = 0; copy < 3; copy++)
      expect(await rig.report(advertiserId, approved)).toMatchObject({
        result: 'duplicate',
        note: 'late_repeat',
      })
    const newer = { ...approved, occurredAt: new Date(Date.now() + 60_000) }
    expect(await rig.report(advertiserId, newer)).toMatchObject({ result: 'accepted', revision: 3 })
  })

  test('without an event is about the one conversion of its transaction id, and ambiguous with two', async () => {
    const { advertiserId } = await networkWithClick()
    const lead = await rig.report(advertiserId, {
      clickId: 'c1',
      transactionId: 't1',
      event: 'lead',
      status: 'pending',
    })
    expect(await rig.report(advertiserId, { transactionId: 't1', status: 'approved' })).toMatchObject({
      result: 'accepted',
      revision: 2,
      conversionId: 'conversionId' in lead && lead.conversionId,
    })
    await rig.report(advertiserId, { clickId: 'c1', transactionId: 't1', event: 'sale' })
    const third = await rig.report(advertiserId, { transactionId: 't1', status: 'rejected' })
    expect(third.result === 'refused' && third.error.code).toBe('ambiguous_conversion')
  })

  test('that could be about thousands of conversions is refused with a hundred of them; its event finds the one', async () => {
    const { advertiserId } = await networkWithClick()
    await rig.db.reads.query({
      text: `insert into conversion_keys (advertiser_id, by_click, identity, event, conversion_id, click_id)
        select $1, false, 't' || n, 'e' || n, gen_random_uuid(), 'test' from generate_series(1, 5000) n`,
      values: [advertiserId],
    })
    const refused = await rig.report(advertiserId, { clickId: 'test' })
    expect(refused).toMatchObject({ error: { code: 'ambiguous_conversion' } })
    expect(refused).toHaveProperty('error.extra.conversions.length', 100)
    const found = await rig.report(advertiserId, { clickId: 'test', event: 'e4999' })
    const keys = await rig.list("select conversion_id from conversion_keys where event = 'e4999'")
    expect(keys).toEqual([{ conversion_id: 'conversionId' in found && found.conversionId }])
  })

  test("without transaction and event is about the one conversion of the affiliate's own click id", async () => {
    const advertiserId = await rig.rows.advertiser()
    await rig.rows.affiliate({ external_id: 'A' })
    await rig.rows.offer(advertiserId, { external_id: 'O' })
    await rig.ctx.catalogue.refresh()
    const own = { affiliateId: 'A', offerId: 'O', affiliateClickId: 'x' }
    const sale = await rig.report(advertiserId, { ...own, event: 'sale', status: 'approved' })
    const rejected = await rig.report(advertiserId, { ...own, status: 'rejected' })
    expect(rejected).toEqual({ ...sale, revision: 2 })
    await rig.report(advertiserId, { ...own, event: 'lead' })
    expect(await rig.report(advertiserId, own)).toMatchObject({ error: { code: 'ambiguous_conversion' } })
  })
})

describe('a report that can not be right', () => {
  test('is kept with its reason and leaves no key behind', async () => {
    const { advertiserId } = await networkWithClick()
    const outcome = await rig.report(advertiserId, { transactionId: 't9' })
    expect(outcome.result === 'refused' && outcome.error.code).toBe('click_id_missing')
    expect(await rig.list('select result, code, transaction_id from inbound_calls')).toEqual([
      { result: 'quarantined', code: 'click_id_missing', transaction_id: 't9' },
    ])
    expect(await rig.list('select 1 from conversion_keys')).toEqual([])
  })

  test("for another advertiser's offer is refused", async () => {
    const network = await networkWithClick()
    const other = await rig.rows.advertiser()
    const outcome = await rig.report(other, { clickId: 'c1' })
    expect(outcome.result === 'refused' && outcome.error.code).toBe('offer_of_other_advertiser')
    expect(network.advertiserId).not.toBe(other)
  })
})

describe('a status change', () => {
  test('supersedes what still waits, and the newer one travels', async () => {
    const { advertiserId, destinationId } = await networkWithClick({
      statuses: ['pending', 'approved', 'rejected'],
    })
    notDirect.add(destinationId)
    await rig.report(advertiserId, { clickId: 'c1', transactionId: 't1', status: 'pending' })
    notDirect.clear()
    await rig.report(advertiserId, { transactionId: 't1', status: 'approved' })
    expect(await rig.decisions()).toEqual(['1 pending superseded', '2 approved scheduled'])
    expect(await places()).toEqual([{ due: 0, travelling: 1 }])
  })

  test('of one that travels waits behind its batch, as its successor', async () => {
    const { advertiserId } = await networkWithClick({ statuses: ['pending', 'approved', 'rejected'] })
    await rig.report(advertiserId, { clickId: 'c1', transactionId: 't1', status: 'pending' })
    await rig.report(advertiserId, { transactionId: 't1', status: 'approved' })
    expect(
      await rig.list(`select p.next_id = n.id as linked, u.after_batch = b.id as behind, u.due_at > now() + interval '2 min' as backstop
      from deliveries p join deliveries n on n.revision = 2 join due u on u.delivery_id = n.id join batches b on p.id = any(b.deliveries)
      where p.revision = 1`),
    ).toEqual([{ linked: true, behind: true, backstop: true }])
  })

  test('to an unselected rejected stops a selected one that waits', async () => {
    const { advertiserId, destinationId } = await networkWithClick()
    notDirect.add(destinationId)
    await rig.report(advertiserId, { clickId: 'c1', transactionId: 't1', status: 'approved' })
    await rig.report(advertiserId, { transactionId: 't1', status: 'rejected' })
    expect(await rig.decisions()).toEqual(['1 approved superseded', '2 rejected skipped status_not_selected'])
    expect(await places()).toEqual([{ due: 0, travelling: 0 }])
  })

  test('to an unselected approved leaves a selected pending one in peace', async () => {
    const { advertiserId, destinationId } = await networkWithClick({ statuses: ['pending'] })
    notDirect.add(destinationId)
    await rig.report(advertiserId, { clickId: 'c1', transactionId: 't1', status: 'pending' })
    await rig.report(advertiserId, { transactionId: 't1', status: 'approved' })
    expect(await rig.decisions()).toEqual(['1 pending scheduled', '2 approved skipped status_not_selected'])
  })

  test('of the amount alone is sent only where the destination asks for amounts', async () => {
    const { advertiserId, affiliateId, destinationId } = await networkWithClick()
    const wantsAmounts = await rig.rows.destination(affiliateId, {}, { changes: ['status', 'amount'] })
    await rig.report(advertiserId, { clickId: 'c1', transactionId: 't1', payout: '1' })
    await rig.end(1, 'delivered')
    await rig.report(advertiserId, { transactionId: 't1', payout: '2' })
    expect(await rig.decisions(destinationId)).toEqual([
      '1 approved delivered',
      '2 approved skipped amount_not_selected',
    ])
    expect(await rig.decisions(wantsAmounts)).toEqual(['1 approved delivered', '2 approved scheduled'])
  })

  test('of the currency alone is a new amount', async () => {
    const { advertiserId, affiliateId, destinationId } = await networkWithClick()
    const wantsAmounts = await rig.rows.destination(affiliateId, {}, { changes: ['status', 'amount'] })
    await rig.report(advertiserId, { clickId: 'c1', transactionId: 't1', payout: '1', currency: 'USD' })
    await rig.end(1, 'delivered')
    await rig.report(advertiserId, { transactionId: 't1', currency: 'EUR' })
    expect((await rig.decisions(destinationId)).at(-1)).toBe('2 approved skipped amount_not_selected')
    expect((await rig.decisions(wantsAmounts)).at(-1)).toBe('2 approved scheduled')
  })

  test('back to a status is sent again although the tracker heard it before the other one', async () => {
    const { advertiserId } = await networkWithClick()
    await rig.report(advertiserId, { clickId: 'c1', transactionId: 't1', status: 'approved', payout: '1' })
    await rig.end(1, 'delivered')
    await rig.report(advertiserId, { transactionId: 't1', status: 'rejected', payout: '1' })
    await rig.report(advertiserId, { transactionId: 't1', status: 'approved', payout: '2' })
    expect((await rig.decisions()).at(-1)).toBe('3 approved scheduled')
  })
})

describe('another event of a known transaction id, without click id and without affiliate and offer', () => {
  const lead = { event: 'lead', transactionId: 't1' }
  const deposit = { event: 'deposit', transactionId: 't1', payout: '5' }

  test('belongs to the same click', async () => {
    const { advertiserId, affiliateId } = await networkWithClick()
    await rig.report(advertiserId, { ...lead, clickId: 'c1' })
    expect(await rig.report(advertiserId, deposit)).toMatchObject({ result: 'accepted', revision: 1 })
    const whose = { affiliate_id: affiliateId, affiliate_click_id: 'tracker-1', click_id: 'c1' }
    expect(
      await rig.list(
        'select event, affiliate_id, affiliate_click_id, click_id from conversions order by event',
      ),
    ).toEqual([
      { event: 'deposit', ...whose },
      { event: 'lead', ...whose },
    ])
    expect(await rig.decisions()).toHaveLength(2)
  })

  test('is found by that click later, like the one that named it', async () => {
    const { advertiserId } = await networkWithClick()
    await rig.report(advertiserId, { ...lead, clickId: 'c1' })
    await rig.report(advertiserId, deposit)
    expect(
      await rig.report(advertiserId, { event: 'deposit', clickId: 'c1', payout: '5', status: 'rejected' }),
    ).toMatchObject({ result: 'accepted', revision: 2 })
    expect(await rig.report(advertiserId, { clickId: 'c1' })).toMatchObject({
      error: { code: 'ambiguous_conversion' },
    })
  })

  test('waits for the same click', async () => {
    const network = await rig.rows.network()
    await rig.report(network.advertiserId, { ...lead, clickId: 'late' })
    expect(await rig.report(network.advertiserId, deposit)).toMatchObject({ result: 'parked' })
    await rig.rows.click({ ...network, clickId: 'late', affiliateClickId: 'x' })
    await rig.settleNow()
    expect(await rig.decisions()).toHaveLength(2)
  })

  test('belongs to whom one of the transaction is known to, though the first one still waits', async () => {
    const { advertiserId, affiliateId, offerId } = await networkWithClick()
    expect(await rig.report(advertiserId, { ...lead, clickId: 'late' })).toMatchObject({ result: 'parked' })
    await rig.ctx.catalogue.refresh()
    await rig.report(advertiserId, {
      event: 'sale',
      transactionId: 't1',
      affiliateId: rig.ctx.catalogue.partnerId('affiliate', affiliateId),
      offerId: rig.ctx.catalogue.partnerId('offer', offerId),
    })
    expect(await rig.report(advertiserId, deposit)).toMatchObject({ result: 'accepted', revision: 1 })
  })

  test('of an archived offer is refused, and so is one whose transaction nobody knows', async () => {
    const { advertiserId, offerId } = await networkWithClick()
    expect(await rig.report(advertiserId, deposit)).toMatchObject({ error: { code: 'click_id_missing' } })
    await rig.report(advertiserId, { ...lead, clickId: 'c1' })
    await rig.list('update offers set archived_at = now(), changed_in = 1000000 where id = $1', [offerId])
    await rig.list('update catalogue_version set n = 1000000')
    expect(await rig.report(advertiserId, deposit)).toMatchObject({ error: { code: 'archived' } })
    expect(await rig.list('select event from conversions')).toEqual([{ event: 'lead' }])
  })
})

test('a report that our own code fails on is a 500 of its own, its neighbours are stored', async () => {
  const network = await networkWithClick()
  const guilty = await rig.rows.affiliate()
  await rig.rows.click({ ...network, affiliateId: guilty, clickId: 'guilty', affiliateClickId: 'x' })
  await rig.ctx.catalogue.refresh()
  const { catalogue } = rig.ctx
  const affiliate = (id: string) => {
    if (id === guilty) throw new TypeError('a bug')
    return catalogue.affiliate(id)
  }
  const intake = createIntake({ ...rig.ctx, catalogue: { ...catalogue, affiliate } })
  const results = await Promise.allSettled(
    ['c1', 'guilty', 'c1', 'c1'].map((clickId, n) =>
      intake.submit(
        rig.call(network.advertiserId),
        { ...rig.nothingSaid, clickId, transactionId: `t${n}` },
        null,
      ),
    ),
  )
  expect(results.map((one) => one.status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
  expect(results[1]).toMatchObject({ reason: { message: 'a bug' } })
})

describe('a parked conversion', () => {
  test('waits without deliveries and goes out in order, superseded but for the newest, when the click comes', async () => {
    const network = await rig.rows.network({ statuses: ['pending', 'approved'] })
    const parked = await rig.report(network.advertiserId, {
      clickId: 'late',
      transactionId: 't1',
      status: 'pending',
      payout: '3',
    })
    expect(parked).toMatchObject({ result: 'parked', revision: 1 })
    await rig.report(network.advertiserId, { transactionId: 't1', status: 'approved' })
    expect(await rig.decisions()).toEqual([])
    expect(await rig.settleNow()).toBe(1)
    expect(await rig.decisions()).toEqual([])
    await rig.rows.click({ ...network, clickId: 'late', affiliateClickId: 'x' })
    await rig.settleNow()
    expect(await rig.decisions()).toEqual(['1 pending superseded', '2 approved scheduled'])
    expect(await rig.list('select fanout_count, payout from revisions order by revision')).toEqual([
      { fanout_count: 1, payout: '3.000000' },
      { fanout_count: 1, payout: '3.000000' },
    ])
    expect(await rig.list('select 1 from unsettled')).toEqual([])
    expect(rig.hinted).toHaveLength(1)
  })

  test.each([
    ['when the click comes', { clickId: 'late' }],
    ['at once, with affiliate and offer', { affiliateId: 'A', offerId: 'O' }],
  ])("keeps a status that was stated later, not the offer's default: %s", async (_what, later) => {
    const advertiserId = await rig.rows.advertiser()
    const affiliateId = await rig.rows.affiliate({ external_id: 'A' })
    const offerId = await rig.rows.offer(advertiserId, { external_id: 'O', default_status: 'pending' })
    await rig.ctx.catalogue.refresh()
    await rig.report(advertiserId, { clickId: 'late', transactionId: 't1' })
    await rig.report(advertiserId, { ...later, transactionId: 't1', status: 'approved' })
    await rig.rows.click({ affiliateId, offerId, clickId: 'late', affiliateClickId: 'x' })
    await rig.settleNow()
    expect(await rig.list('select status from conversions')).toEqual([{ status: 'approved' }])
  })

  test('that can not be settled waits alone, and is tried again later', async () => {
    const network = await rig.rows.network()
    for (const clickId of ['a', 'b', 'guilty', 'c', 'd']) {
      await rig.report(network.advertiserId, { clickId, transactionId: clickId })
      await rig.rows.click({ ...network, clickId, affiliateClickId: clickId })
    }
    await rig.list(
      `alter table conversions add constraint no_guilt check (affiliate_click_id <> 'guilty') not valid`,
    )
    expect(await rig.settleNow()).toBe(5)
    expect(await rig.decisions()).toHaveLength(4)
    expect(await rig.list('select click_id, tries, due_at > now() as later from unsettled')).toEqual([
      { click_id: 'guilty', tries: 1, later: true },
    ])
  })

  test('of a click that hundreds wait for goes out, although the click itself wakes but a part of them', async () => {
    const network = await rig.rows.network()
    const reports = Array.from({ length: 450 }, (_, n) =>
      rig.report(network.advertiserId, { clickId: 'late', transactionId: `t${n}` }),
    )
    await Promise.all(reports)
    await rig.list(`update unsettled set due_at = 'infinity'`)
    const nowMs = rig.ctx.clock.nowMs()
    const click = { ...rig.nothingSaid, id: newUuid(nowMs), clickId: 'late', affiliateClickId: 'x' }
    const at = new Date(nowMs)
    const visit = { ip: null, userAgent: null, country: null, clickedAt: at, createdAt: at }
    await insertClicks(rig.db.intake, [{ ...click, ...network, ...visit }])
    expect(await rig.list('select count(*)::int as woken from unsettled where isfinite(due_at)')).toEqual([
      { woken: 200 },
    ])
    for (let seen = 1; seen > 0; ) seen = await settleDue(rig.ctx)
    expect(await rig.list('select 1 from unsettled')).toEqual([])
    expect(await rig.decisions()).toHaveLength(reports.length)
  })

  test('is looked at again at once, however many of unknown clicks are due before it', async () => {
    const network = await rig.rows.network()
    const reports = Array.from({ length: 450 }, (_, n) =>
      rig.report(network.advertiserId, { clickId: `never-${n}`, transactionId: `t${n}` }),
    )
    await Promise.all(reports)
    expect(await rig.settleNow()).toBe(reports.length)
    expect(await rig.list('select 1 from unsettled where due_at <= now()')).toEqual([])
  })

  test("has the offer's default status where a later report names affiliate and offer, and no status either", async () => {
    const advertiserId = await rig.rows.advertiser()
    await rig.rows.affiliate({ external_id: 'A' })
    await rig.rows.offer(advertiserId, { external_id: 'O', default_status: 'pending' })
    await rig.ctx.catalogue.refresh()
    await rig.report(advertiserId, { clickId: 'never', transactionId: 't1', payout: '1' })
    await rig.report(advertiserId, { transactionId: 't1', payout: '2', affiliateId: 'A', offerId: 'O' })
    expect(await rig.list('select revision, status, previous_status from revisions order by 1')).toEqual([
      { revision: 1, status: 'pending', previous_status: null },
      { revision: 2, status: 'pending', previous_status: 'pending' },
    ])
    expect(await rig.list('select status from conversions')).toEqual([{ status: 'pending' }])
  })

  test('keeps the currency of each revision in its delivery', async () => {
    const network = await rig.rows.network({ statuses: ['pending'] })
    const said = { clickId: 'late', transactionId: 't1', payout: '1' }
    await rig.report(network.advertiserId, { ...said, status: 'pending', currency: 'USD' })
    await rig.report(network.advertiserId, { ...said, status: 'approved', currency: 'EUR' })
    await rig.rows.click({ ...network, clickId: 'late', affiliateClickId: 'x' })
    await rig.settleNow()
    expect(await rig.list('select state, currency from deliveries order by revision')).toEqual([
      { state: 'scheduled', currency: 'USD' },
      { state: 'skipped', currency: 'EUR' },
    ])
  })

  test('whose late click leads to another advertiser is kept for people to see', async () => {
    const network = await rig.rows.network()
    const other = await rig.rows.advertiser()
    await rig.report(other, { clickId: 'late', transactionId: 't1' })
    await rig.rows.click({ ...network, clickId: 'late', affiliateClickId: 'x' })
    await rig.settleNow()
    expect(await rig.list('select reason, isfinite(due_at) as again from unsettled')).toEqual([
      { reason: 'offer_of_other_advertiser', again: false },
    ])
  })

  test('whose late click led to another advertiser loses that note when a later report names affiliate and offer', async () => {
    const network = await rig.rows.network()
    const other = await rig.rows.advertiser()
    await rig.rows.offer(other, { external_id: 'O' })
    await rig.ctx.catalogue.refresh()
    await rig.report(other, { clickId: 'late', transactionId: 't1', payout: '1' })
    await rig.rows.click({ ...network, clickId: 'late', affiliateClickId: 'x' })
    await rig.settleNow()
    const affiliateId = rig.ctx.catalogue.partnerId('affiliate', network.affiliateId)
    const later = await rig.report(other, { transactionId: 't1', payout: '2', affiliateId, offerId: 'O' })
    expect(later).toMatchObject({ result: 'accepted', revision: 2, note: null })
    expect(
      await rig.list(
        'select c.note, r.note as told from conversions c join revisions r on r.conversion_id = c.id',
      ),
    ).toEqual([
      { note: null, told: null },
      { note: null, told: null },
    ])
  })

  test('is settled by a later report that names affiliate and offer', async () => {
    const { advertiserId, affiliateId, offerId } = await rig.rows.network()
    await rig.report(advertiserId, { clickId: 'never', transactionId: 't1' })
    const { rows } = rig
    await rows.insert('idempotency_keys', { key: 'unused', route: 'unused', request_hash: Buffer.from('') })
    await rig.ctx.catalogue.refresh()
    const again = await rig.report(advertiserId, {
      clickId: 'never',
      transactionId: 't1',
      affiliateClickId: 'x',
      affiliateId: rig.ctx.catalogue.partnerId('affiliate', affiliateId),
      offerId: rig.ctx.catalogue.partnerId('offer', offerId),
    })
    expect(again).toMatchObject({ result: 'duplicate', revision: 1 })
    expect(await rig.decisions()).toEqual(['1 approved scheduled'])
  })
})

describe('without the store', () => {
  test('nothing is acknowledged: store_unavailable', async () => {
    const { advertiserId } = await networkWithClick()
    await rig.report(advertiserId, { clickId: 'c1' })
    const waiting = rig.report(advertiserId, { clickId: 'c1', transactionId: 'x' }).catch((error) => error)
    await rig.list(
      'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()',
    )
    const outcome = await waiting
    expect(outcome.code === 'store_unavailable' || outcome.result === 'accepted').toBe(true)
    const stored = await rig.list(`select 1 from conversions where transaction_id = 'x'`)
    expect(stored).toHaveLength(outcome.result === 'accepted' ? 1 : 0)
  })

  test('a Postgres that only reads is store_unavailable, and its connections are not kept beyond that', async () => {
    const { advertiserId } = await networkWithClick()
    const [{ name } = { name: '' }] = await rig.list<{ name: string }>('select current_database() as name')
    await rig.list(`alter database ${name} set default_transaction_read_only = on`)
    await expect(rig.report(advertiserId, { clickId: 'c1' })).rejects.toMatchObject({
      code: 'store_unavailable',
    })
    await rig.list(`alter database ${name} reset default_transaction_read_only`)
    expect(await rig.report(advertiserId, { clickId: 'c1' })).toMatchObject({ result: 'accepted' })
  })
})

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { dropExpiredPartitions } from '../../../src/db/expired-partitions.ts'
import { ensurePartitions, listPartitions } from '../../../src/db/partitions.ts'
import { newUuid } from '../../../src/kit/ids.ts'
import { type IntakeRig, startIntakeRig } from '../../support/intake-rig.ts'

const DAY_MS = 24 * 3_600_000
const DETAILS = [
  'revisions',
  'deliveries',
  'attempts',
  'attempt_bodies',
  'inbound_calls',
  'inbound_raw',
  'clicks',
]
const RETENTION = { retentionDays: 400, retentionBodiesDays: 30 }

let rig: IntakeRig
beforeEach(async () => {
  rig = await startIntakeRig()
})
afterEach(() => rig.close())

async function networkWithClick(definition: Parameters<IntakeRig['rows']['network']>[0] = {}) {
  const network = await rig.rows.network({
    statuses: ['approved', 'rejected'],
    changes: ['status', 'amount'],
    ...definition,
  })
  await rig.rows.click({ ...network, clickId: 'c1', affiliateClickId: 'k1' })
  return network
}

/** What retention removes in the end; conversions and their keys are kept for ever. */
async function forgetDetails(): Promise<void> {
  await rig.list('delete from due')
  await rig.list('delete from batches')
  await rig.list('delete from click_keys')
  for (const table of DETAILS) await rig.list(`delete from ${table}`)
}

describe('after the detail rows are gone', () => {
  test('a late status change finds its conversion and is told to the tracker', async () => {
    const { advertiserId } = await networkWithClick()
    const first = await rig.report(advertiserId, { clickId: 'c1', transactionId: 't1', payout: '3' })
    await rig.end(1, 'delivered')
    await forgetDetails()
    const late = await rig.report(advertiserId, { transactionId: 't1', status: 'rejected', payout: '3' })
    expect(late).toMatchObject({
      result: 'accepted',
      conversionId: 'conversionId' in first ? first.conversionId : '',
      revision: 2,
    })
    expect(await rig.decisions()).toEqual(['2 rejected scheduled'])
    expect(await rig.list('select affiliate_click_id from conversions')).toEqual([
      { affiliate_click_id: 'k1' },
    ])
  })

  test('a late amount change is told, the same report again is a duplicate', async () => {
    const { advertiserId } = await networkWithClick()
    await rig.report(advertiserId, { clickId: 'c1', transactionId: 't1', payout: '3' })
    await rig.end(1, 'delivered')
    await forgetDetails()
    const report = { clickId: 'c1', transactionId: 't1', payout: '4' }
    expect(await rig.report(advertiserId, report)).toMatchObject({ result: 'accepted', revision: 2 })
    expect(await rig.report(advertiserId, report)).toMatchObject({ result: 'duplicate', revision: 2 })
    expect(await rig.decisions()).toEqual(['2 approved scheduled'])
  })

  test('a late amount change is no news to who hears of statuses only: it would pass for another sale', async () => {
    const { advertiserId } = await networkWithClick({ changes: ['status'] })
    await rig.report(advertiserId, { clickId: 'c1', transactionId: 't1', payout: '3' })
    await rig.end(1, 'delivered')
    await forgetDetails()
    await rig.report(advertiserId, { transactionId: 't1', payout: '4' })
    expect(await rig.decisions()).toEqual(['2 approved skipped amount_not_selected'])
  })

  test('a parked conversion whose revisions are gone waits for nothing any more when its click comes', async () => {
    const network = await rig.rows.network()
    await rig.report(network.advertiserId, { clickId: 'c1', transactionId: 't1', payout: '3' })
    await forgetDetails()
    await rig.rows.click({ ...network, clickId: 'c1', affiliateClickId: 'k1' })
    await rig.settleNow()
    expect(await rig.list('select conversion_id from unsettled')).toEqual([])
    expect(await rig.decisions()).toEqual([])
  })

  test('a later report of it is attributed by the click and told', async () => {
    const network = await rig.rows.network()
    await rig.report(network.advertiserId, { clickId: 'c1', transactionId: 't1', payout: '3' })
    await forgetDetails()
    await rig.rows.click({ ...network, clickId: 'c1', affiliateClickId: 'k1' })
    await rig.report(network.advertiserId, { clickId: 'c1', transactionId: 't1', payout: '5' })
    await rig.settleNow()
    expect(await rig.decisions()).toEqual(['2 approved scheduled'])
    expect(await rig.list('select conversion_id from unsettled')).toEqual([])
  })
})

test('partitions made and dropped under load hold up no report', async () => {
  const { advertiserId } = await networkWithClick()
  const nowMs = Date.now()
  let isDone = false
  let slowestMs = 0
  let reports = 0
  const load = async (lane: number): Promise<void> => {
    for (let n = 0; !isDone; n++) {
      const startedMs = performance.now()
      const outcome = await rig.report(advertiserId, {
        clickId: 'c1',
        transactionId: `t${lane}-${n}`,
        event: 'sale',
      })
      expect(outcome.result).toBe('accepted')
      slowestMs = Math.max(slowestMs, performance.now() - startedMs)
      reports++
    }
  }
  const lanes = Array.from({ length: 8 }, (_, lane) => load(lane))
  const dropped: string[] = []
  for (const daysAgo of [900, 800, 700, 600]) {
    const oldMs = nowMs - daysAgo * DAY_MS
    await ensurePartitions(rig.db.reads, oldMs)
    await rig.list(`insert into inbound_raw (id, request) values ($1, '{}')`, [newUuid(oldMs)])
    dropped.push(...(await dropExpiredPartitions(rig.db.reads, { nowMs, ...RETENTION })).dropped)
  }
  isDone = true
  await Promise.all(lanes)
  const left = await listPartitions(rig.db.reads, 'revisions')
  expect(dropped.length).toBeGreaterThan(20)
  expect(dropped.filter((name) => left.includes(name))).toEqual([])
  expect(reports).toBeGreaterThan(20)
  // Below the 5 s after which a statement of the intake is given up.
  expect(slowestMs).toBeLessThan(4000)
}, 60_000)

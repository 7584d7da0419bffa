import { afterAll, beforeAll, expect, test } from 'vitest'
import { createCatalogue } from '../../../src/catalogue/create-catalogue.ts'
import { openDatabase, withTx } from '../../../src/db/database.ts'
import { createIntake } from '../../../src/intake/create-intake.ts'
import { systemClock } from '../../../src/kit/clock.ts'
import { type IntakeRig, startIntakeRig } from '../../support/intake-rig.ts'

let rig: IntakeRig
beforeAll(async () => {
  rig = await startIntakeRig()
})
afterAll(() => rig.close())

/** The intake of a process of its own, which polls never: it learns of writes only where it must. */
async function startOther(sizes: { reads?: number } = {}) {
  const { log } = rig.ctx
  const { connectionString } = rig.database
  const db = openDatabase({ connectionString, log, applicationName: 'other', sizes })
  const catalogue = await createCatalogue({ db, log, clock: systemClock, pollIntervalMs: 3_600_000 })
  const intake = createIntake({ ...rig.ctx, db, catalogue })
  return {
    intake,
    catalogue,
    db,
    async close() {
      await intake.close()
      catalogue.close()
      await db.close()
    },
  }
}

test('a control write of another process holds for the next call: a report read by the old settings is not stored', async () => {
  const network = await rig.rows.network()
  await rig.rows.click({ ...network, clickId: 'c1', affiliateClickId: 'x' })
  const { intake: other, catalogue, close } = await startOther()
  const readBy = catalogue.advertiser(network.advertiserId) ?? null
  const { nothingSaid, call } = rig
  const report = { ...nothingSaid, clickId: 'c1', transactionId: 't1' }
  await rig.list(`with v as (update catalogue_version set n = n + 1 returning n)
    update advertisers set status_map = '{"ok": "rejected"}', changed_in = v.n from v`)
  expect(await other.submit(call(network.advertiserId), report, readBy)).toEqual({ result: 'stale' })
  expect(await rig.list('select 1 from conversion_keys union all select 1 from inbound_calls')).toEqual([])
  const again = await other.submit(
    call(network.advertiserId),
    report,
    catalogue.advertiser(network.advertiserId) ?? null,
  )
  expect(again).toMatchObject({ result: 'accepted' })
  await close()
})

test('an advertiser is answered after a control write although reports hold every connection of theirs', async () => {
  const network = await rig.rows.network()
  await rig.rows.click({ ...network, clickId: 'c2', affiliateClickId: 'x' })
  const { intake: busy, catalogue, db, close } = await startOther({ reads: 1 })
  const readBy = catalogue.advertiser(network.advertiserId) ?? null
  const { promise: isOver, resolve: end } = Promise.withResolvers<void>()
  const slow = withTx(db.reads, () => isOver)
  await rig.list('update catalogue_version set n = n + 1')
  const report = { ...rig.nothingSaid, clickId: 'c2', transactionId: 't2' }
  expect(await busy.submit(rig.call(network.advertiserId), report, readBy)).toMatchObject({
    result: 'accepted',
  })
  end()
  await slow
  await close()
})

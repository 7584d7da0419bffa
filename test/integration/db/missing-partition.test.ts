import { afterEach, beforeEach, expect, test } from 'vitest'
import { isRefusedValue, isUnavailable } from '../../../src/db/database.ts'
import { ensurePartitions } from '../../../src/db/partitions.ts'
import { type IntakeRig, startIntakeRig } from '../../support/intake-rig.ts'

let rig: IntakeRig
beforeEach(async () => {
  rig = await startIntakeRig()
})
afterEach(() => rig.close())

async function dropPartitions(table: string): Promise<void> {
  const found = await rig.list<{ name: string }>(
    `select inhrelid::regclass::text as name from pg_inherits where inhparent = '${table}'::regclass`,
  )
  for (const { name } of found) await rig.list(`drop table ${name}`)
}

test('a report whose partition is not made yet is told to come again, never that it is wrong, and is taken once it is', async () => {
  const network = await rig.rows.network()
  await rig.rows.click({ ...network, clickId: 'c1', affiliateClickId: 'k1' })
  const report = () => rig.report(network.advertiserId, { transactionId: 't1', clickId: 'c1', payout: '1' })
  await dropPartitions('revisions')
  await expect(report()).rejects.toMatchObject({ code: 'store_unavailable', status: 503 })
  await ensurePartitions(rig.db.reads, Date.now())
  expect(await report()).toMatchObject({ result: 'accepted' })
})

test('a failed check is a refused value, a missing partition is not', async () => {
  const failureOf = (text: string) => rig.list(text).catch((error: unknown) => error)
  const check = await failureOf(
    `insert into due (delivery_id, destination_id, share, due_at) values (gen_random_uuid(), gen_random_uuid(), 9, now())`,
  )
  expect([isRefusedValue(check), isUnavailable(check)]).toEqual([true, false])
  await dropPartitions('attempt_bodies')
  const missing = await failureOf(`insert into attempt_bodies (id, request) values (gen_random_uuid(), '{}')`)
  expect([isRefusedValue(missing), isUnavailable(missing)]).toEqual([false, true])
})

import { afterEach, beforeEach, expect, test } from 'vitest'
import { deleteExpiredRows } from '../../../src/db/expired-rows.ts'
import { type DispatchRig, startDispatchRig } from '../../support/dispatch-rig.ts'

let rig: DispatchRig
beforeEach(async () => {
  rig = await startDispatchRig()
})
afterEach(() => rig.close())

const texts = async (statement: string) =>
  (await rig.list<{ text: string }>(statement)).map((row) => row.text)

test('idempotency keys, closed alerts and replays of removed deliveries go when their time is over', async () => {
  const { deliveryId } = await rig.schedule(await rig.network('http://127.0.0.1:1'))
  await rig.list(`insert into idempotency_keys (route, key, request_hash, created_at)
    select 'r', age, 'x', now() - age::interval from unnest(array['25 hours', '23 hours']) age`)
  await rig.list(`insert into alerts (id, kind, opened_at, closed_at)
    select gen_random_uuid(), kind, now() - interval '900 days', closed_at
    from (values ('long closed', now() - interval '401 days'), ('closed', now() - interval '399 days'), ('open', null))
      a(kind, closed_at)`)
  await rig.list(
    `insert into replays (id, delivery_id, render, requested_by, created_at)
      select gen_random_uuid(), coalesce(delivery_id, gen_random_uuid()), 'current', name, now() - age::interval
      from (values ('of a removed delivery', null, '401 days'), ('young', null, '399 days'),
        ('of a kept delivery', $1::uuid, '401 days')) r(name, delivery_id, age)`,
    [deliveryId],
  )
  await deleteExpiredRows(rig.db.reads, { retentionDays: 400 })
  expect(await texts('select key as text from idempotency_keys')).toEqual(['23 hours'])
  expect(await texts('select kind as text from alerts order by 1')).toEqual(['closed', 'open'])
  expect(await texts('select requested_by as text from replays order by 1')).toEqual([
    'of a kept delivery',
    'young',
  ])
})

import { afterAll, beforeAll, expect, test } from 'vitest'
import { withTx } from '../../../src/db/database.ts'
import { redecide } from '../../../src/intake/redecide.ts'
import { encodeId, type Uuid } from '../../../src/kit/ids.ts'
import { type ReadsApp, startReadsApp } from '../../support/reads-app.ts'

let app: ReadsApp
let advertiserId: Uuid
let offerId: Uuid
beforeAll(async () => {
  app = await startReadsApp()
  advertiserId = await app.rows.advertiser()
  offerId = await app.rows.offer(advertiserId)
})
afterAll(() => app.close())

const REFUSED = { state: 'refused', attemptsCount: 1 }
const DELIVERED = { state: 'delivered', attemptsCount: 1, deliveredAt: new Date(), lastHttpStatus: 200 }

async function world() {
  const affiliateId = await app.rows.affiliate()
  const conversion = await app.rows.conversion({
    advertiserId,
    offerId,
    affiliateId,
    clickId: 'c',
    affiliateClickId: 'a',
    revision: 2,
  })
  const one = await app.rows.revision(conversion, { revision: 1, fanoutCount: 2 })
  const two = await app.rows.revision(conversion, { revision: 2, fanoutCount: 2 })
  await app.ctx.db.reads.query({
    text: 'update revisions set sale_amount = revision where conversion_id = $1',
    values: [conversion.id],
  })
  return { affiliateId, conversion, one, two }
}
const decideAgain = (conversion: { id: Uuid }, destinationId: Uuid): Promise<unknown> =>
  withTx(app.ctx.db.results, (tx) => redecide(tx, app.ctx, [{ conversionId: conversion.id, destinationId }]))
const replay = (id: Uuid) => app.post(`/v1/deliveries/${encodeId('delivery', id)}/replay`)
/** With its place in `due`. */
const stateOf = async (id: Uuid) =>
  (
    await app.ctx.db.reads.query<{ state: string; reason: string; due_at: Date; due_reason: string }>({
      text: 'select d.state, d.reason, u.due_at, u.reason as due_reason from deliveries d left join due u on u.delivery_id = d.id where d.id = $1',
      values: [id],
    })
  ).rows[0]

test('a fallback stays quiet on replay where the main tracker has the conversion (heard revision 1, amount not selected in 2)', async () => {
  const { affiliateId, conversion, one, two } = await world()
  const main = await app.rows.destination(affiliateId)
  const fallback = await app.rows.destination(affiliateId, {}, { fallback: true })
  await app.ctx.catalogue.refresh()
  await app.rows.delivery({ conversion, revision: one, destinationId: main, ...DELIVERED })
  await app.rows.delivery({
    conversion,
    revision: one,
    destinationId: fallback,
    state: 'skipped',
    reason: 'other_destination_took_it',
  })
  await app.rows.delivery({
    conversion,
    revision: two,
    destinationId: main,
    state: 'skipped',
    reason: 'amount_not_selected',
  })
  const id = await app.rows.delivery({
    conversion,
    revision: two,
    destinationId: fallback,
    state: 'skipped',
    reason: 'other_destination_took_it',
  })
  expect(await replay(id)).toMatchObject({ status: 409 })
})

test('two fallbacks do not keep each other quiet on replay, as at fan-out', async () => {
  const { affiliateId, conversion, two } = await world()
  const first = await app.rows.destination(affiliateId, {}, { fallback: true })
  const second = await app.rows.destination(affiliateId, {}, { fallback: true })
  await app.ctx.catalogue.refresh()
  await app.rows.delivery({ conversion, revision: two, destinationId: first, ...DELIVERED })
  const id = await app.rows.delivery({
    conversion,
    revision: two,
    destinationId: second,
    state: 'skipped',
    reason: 'event_not_selected',
  })
  const answer = await replay(id)
  expect(answer.json).not.toHaveProperty('error')
  expect(answer.status).toBe(202)
})

test('redecide sends to a fallback whose first revision failed, though another fallback was told the new amount', async () => {
  const { affiliateId, conversion, one, two } = await world()
  const first = await app.rows.destination(affiliateId, {}, { fallback: true, changes: ['status', 'amount'] })
  const second = await app.rows.destination(affiliateId, {}, { fallback: true })
  await app.ctx.catalogue.refresh()
  await app.rows.delivery({ conversion, revision: one, destinationId: first, ...DELIVERED })
  await app.rows.delivery({ conversion, revision: two, destinationId: first, ...DELIVERED })
  await app.rows.delivery({ conversion, revision: one, destinationId: second, ...REFUSED })
  const id = await app.rows.delivery({
    conversion,
    revision: two,
    destinationId: second,
    state: 'skipped',
    reason: 'amount_not_selected',
  })
  await decideAgain(conversion, second)
  expect(await stateOf(id)).toMatchObject({ state: 'scheduled' })
})

test('what redecide schedules keeps the delay of its destination', async () => {
  const { affiliateId, conversion, one, two } = await world()
  const destinationId = await app.rows.destination(affiliateId, {}, { delay_seconds: 3600 })
  await app.ctx.catalogue.refresh()
  await app.rows.delivery({ conversion, revision: one, destinationId, ...REFUSED })
  const id = await app.rows.delivery({
    conversion,
    revision: two,
    destinationId,
    state: 'skipped',
    reason: 'amount_not_selected',
  })
  await decideAgain(conversion, destinationId)
  const row = await stateOf(id)
  expect(row).toMatchObject({ state: 'scheduled' })
  expect(row?.due_at.getTime()).toBeGreaterThan(two.at + 3_500_000)
})

test('a replay whose revision was dropped by retention already is refused, not sent with the time 1970', async () => {
  const { affiliateId, conversion, one } = await world()
  const destinationId = await app.rows.destination(affiliateId)
  await app.ctx.catalogue.refresh()
  const id = await app.rows.delivery({ conversion, revision: one, destinationId, ...DELIVERED })
  await app.ctx.db.reads.query({
    text: 'delete from revisions where conversion_id = $1',
    values: [conversion.id],
  })
  expect((await replay(id)).status).toBe(404)
})

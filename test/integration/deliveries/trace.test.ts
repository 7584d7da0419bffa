import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeId, newUuid } from '../../../src/kit/ids.ts'
import { type ReadsApp, startReadsApp } from '../../support/reads-app.ts'

let app: ReadsApp
let net: Awaited<ReturnType<ReadsApp['rows']['network']>>

beforeAll(async () => {
  app = await startReadsApp()
  net = await app.rows.network()
  await app.ctx.catalogue.refresh()
})
afterAll(() => app.close())

const trace = async (id: string) => {
  const { status, json } = await app.get(`/v1/trace?id=${encodeURIComponent(id)}`)
  expect(status, JSON.stringify(json)).toBe(200)
  return json
}

async function delivered(name: string) {
  await app.rows.click({ ...net, clickId: `${name}-click`, affiliateClickId: `${name}-aff` })
  const conversion = await app.rows.conversion({
    ...net,
    clickId: `${name}-click`,
    affiliateClickId: `${name}-aff`,
    transactionId: `${name}-tx`,
  })
  const callId = await app.rows.inboundCall({
    result: 'accepted',
    advertiser_id: net.advertiserId,
    conversion_id: conversion.id,
    revision: 1,
  })
  const revision = await app.rows.revision(conversion)
  const at = new Date('2026-03-01T10:00:00Z')
  const deliveryId = await app.rows.delivery({
    conversion,
    revision,
    destinationId: net.destinationId,
    state: 'delivered',
    attemptsCount: 1,
    lastHttpStatus: 200,
    lastAttemptAt: at,
    deliveredAt: at,
  })
  await app.rows.attempt(deliveryId, { verdict: 'delivered', httpStatus: 200, body: 'thanks', at })
  const replayId = newUuid(Date.now())
  await app.rows.insert('replays', {
    id: replayId,
    delivery_id: deliveryId,
    render: 'current',
    requested_by: 'a',
  })
  return { conversion, callId, deliveryId, replayId }
}

test('every kind of id leads to the whole story', async () => {
  const made = await delivered('story')
  const ids = [
    'story-click',
    'story-aff',
    'story-tx',
    ' story-tx ',
    encodeId('conversion', made.conversion.id),
    encodeId('delivery', made.deliveryId),
    encodeId('inboundCall', made.callId),
    encodeId('replay', made.replayId),
    encodeId('destination', net.destinationId),
    encodeId('offer', net.offerId),
    encodeId('affiliate', net.affiliateId),
    encodeId('advertiser', net.advertiserId),
  ]
  for (const id of ids) {
    const found = await trace(id)
    expect(
      found.inbound_calls.map((one: { id: string }) => one.id),
      id,
    ).toContain(encodeId('inboundCall', made.callId))
    expect(
      found.clicks.map((one: { click_id: string }) => one.click_id),
      id,
    ).toContain('story-click')
    expect(
      found.conversions.map((one: { id: string }) => one.id),
      id,
    ).toContain(encodeId('conversion', made.conversion.id))
    expect(
      found.deliveries.map((one: { id: string }) => one.id),
      id,
    ).toContain(encodeId('delivery', made.deliveryId))
    expect(found.verdict.code, id).toBe('delivered')
  }
  const { verdict } = await trace('story-tx')
  expect(verdict.sentence).toBe(
    'Tracker (tracker.example) was told of sale (approved) on 2026-03-01 10:00:00 UTC and accepted it with HTTP 200 "thanks".',
  )
  expect(verdict.fix).toContain('story-aff')
})

test('a click that we named ourselves is found by that name', async () => {
  const id = newUuid(Date.now())
  const clickId = encodeId('click', id)
  await app.rows.insert('clicks', {
    id,
    click_id: clickId,
    affiliate_id: net.affiliateId,
    offer_id: net.offerId,
    clicked_at: new Date(),
  })
  await app.rows.insert('click_keys', { click_id: clickId, id })
  const found = await trace(clickId)
  expect(found.clicks).toHaveLength(1)
  expect(found.verdict).toMatchObject({ code: 'never_reported', sentence: expect.stringContaining(clickId) })
})

test('a click id of a refused call is found, and the reason told', async () => {
  await app.rows.inboundCall({
    result: 'quarantined',
    http_status: 400,
    code: 'invalid_amount',
    message: 'The amount is not a plain decimal number.',
    field: 'payout',
    click_id: 'bad-click',
    transaction_id: 'bad-tx',
  })
  for (const id of ['bad-click', 'bad-tx']) {
    const { inbound_calls, verdict } = await trace(id)
    expect(inbound_calls).toMatchObject([{ result: 'quarantined', code: 'invalid_amount', field: 'payout' }])
    expect(verdict).toMatchObject({
      code: 'quarantined',
      sentence: expect.stringContaining('invalid_amount'),
    })
  }
})

test('a parked conversion says which click is missing', async () => {
  const conversion = await app.rows.conversion({
    advertiserId: net.advertiserId,
    clickId: 'missing-click',
    transactionId: 'parked-tx',
  })
  await app.rows.revision(conversion, { fanoutCount: null })
  await app.rows.insert('unsettled', {
    conversion_id: conversion.id,
    click_id: 'missing-click',
    reason: 'unknown_click',
    due_at: new Date(),
  })
  expect((await trace('parked-tx')).verdict).toMatchObject({
    code: 'parked',
    sentence: expect.stringContaining('missing-click'),
  })
})

test('a repeat that is asked for by its call id is a duplicate', async () => {
  const made = await delivered('twice')
  const repeat = await app.rows.inboundCall({
    result: 'duplicate',
    conversion_id: made.conversion.id,
    revision: 1,
  })
  expect((await trace(encodeId('inboundCall', repeat))).verdict.code).toBe('duplicate')
  expect((await trace('twice-tx')).verdict.code).toBe('delivered')
})

test('deliveries of a test fire do not decide', async () => {
  const made = await delivered('fired')
  await app.rows.delivery({
    conversion: made.conversion,
    revision: { id: newUuid(Date.now()), revision: 2, at: Date.now(), status: 'approved' },
    destinationId: net.destinationId,
    state: 'failed',
    attemptsCount: 1,
    test: true,
  })
  expect((await trace('fired-tx')).verdict.code).toBe('delivered')
})

test.each([
  'nothing-at-all',
  'dlv_01h455vb4pex5vsknk084sn02q',
  'key_01h455vb4pex5vsknk084sn02q',
  'inb_01h455vb4pex5vsknk084sn02q',
  'dst_01h455vb4pex5vsknk084sn02q',
  "'; drop table deliveries; --",
  '%',
])('%s has never been reported', async (id) => {
  expect(await trace(id)).toMatchObject({
    inbound_calls: [],
    clicks: [],
    conversions: [],
    deliveries: [],
    verdict: { code: 'never_reported' },
  })
})

test.each(['', '?id=', `?id=${'x'.repeat(501)}`, '?di=1'])('trace%s is refused by name', async (query) => {
  const { status, json } = await app.get(`/v1/trace${query}`)
  expect(status).toBe(400)
  expect(json.error.field).toEqual(expect.any(String))
})

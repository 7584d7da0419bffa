import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeId } from '../../../src/kit/ids.ts'
import { type ReadsApp, startReadsApp } from '../../support/reads-app.ts'

let app: ReadsApp
let net: Awaited<ReturnType<ReadsApp['rows']['network']>>

beforeAll(async () => {
  app = await startReadsApp()
  net = await app.rows.network()
})
afterAll(() => app.close())

const find = async (query: string): Promise<string[]> => {
  const { status, json } = await app.get(`/v1/conversions?${query}`)
  expect(status, JSON.stringify(json)).toBe(200)
  return json.data.map((row: { id: string }) => row.id)
}

test('a conversion shows its revisions and what each destination was to hear', async () => {
  const conversion = await app.rows.conversion({
    ...net,
    clickId: 'd-click',
    affiliateClickId: 'd-aff',
    transactionId: 'd-tx',
    payout: '2.5',
    currency: 'USD',
    status: 'rejected',
    revision: 2,
  })
  const first = await app.rows.revision(conversion)
  const second = await app.rows.revision(conversion, { revision: 2, status: 'rejected' })
  const deliveries = [
    await app.rows.delivery({
      conversion,
      revision: first,
      destinationId: net.destinationId,
      state: 'delivered',
    }),
    await app.rows.delivery({
      conversion,
      revision: second,
      destinationId: net.destinationId,
      state: 'skipped',
      reason: 'status_not_selected',
    }),
  ]
  await app.rows.delivery({
    conversion,
    revision: second,
    destinationId: net.destinationId,
    state: 'delivered',
    test: true,
  })
  const { json } = await app.get(`/v1/conversions/${encodeId('conversion', conversion.id)}`)
  const destination_id = encodeId('destination', net.destinationId)
  expect(json).toMatchObject({
    transaction_id: 'd-tx',
    click_id: 'd-click',
    affiliate_click_id: 'd-aff',
    status: 'rejected',
    payout: '2.50',
    revision: 2,
    fanout: 'done',
    reported: {},
  })
  expect(json.revisions).toMatchObject([
    {
      revision: 1,
      status: 'approved',
      decisions: [
        { destination_id, delivery_id: encodeId('delivery', deliveries[0] ?? ''), state: 'delivered' },
      ],
    },
    {
      revision: 2,
      status: 'rejected',
      decisions: [{ destination_id, state: 'skipped', reason: 'status_not_selected' }],
    },
  ])
})

test.each([
  ['parked', 'unknown_click', new Date()],
  ['unattributed', 'unknown_click', 'infinity'],
  ['waiting', 'other', new Date()],
])('a conversion that is %s says so', async (fanout, reason, dueAt) => {
  const conversion = await app.rows.conversion({ advertiserId: net.advertiserId, clickId: 'p' })
  await app.rows.insert('unsettled', { conversion_id: conversion.id, click_id: 'p', reason, due_at: dueAt })
  const { json } = await app.get(`/v1/conversions/${encodeId('conversion', conversion.id)}`)
  expect(json).toMatchObject({ fanout, affiliate_id: null, offer_id: null, revisions: [] })
})

test('each filter keeps what fits and drops the rest', async () => {
  const other = await app.rows.network()
  const fits = await app.rows.conversion({
    ...other,
    clickId: 'f-click',
    transactionId: 'f-tx',
    status: 'pending',
  })
  const decoy = await app.rows.conversion({
    ...net,
    clickId: 'f-click-2',
    transactionId: 'f-tx-2',
    at: fits.at + 1,
  })
  const filters = {
    advertiser_id: encodeId('advertiser', other.advertiserId),
    affiliate_id: encodeId('affiliate', other.affiliateId),
    offer_id: encodeId('offer', other.offerId),
    status: 'pending',
    click_id: 'f-click',
    transaction_id: 'f-tx',
    from: new Date(fits.at - 1).toISOString(),
  }
  for (const [name, value] of Object.entries(filters))
    expect(await find(`${name}=${value}`), name).toContain(encodeId('conversion', fits.id))
  expect(await find(new URLSearchParams(filters).toString())).toEqual([encodeId('conversion', fits.id)])
  expect(await find('q=f-cli')).toEqual([decoy, fits].map((one) => encodeId('conversion', one.id)))
  expect(await find(`q=${encodeId('conversion', fits.id)}`)).toEqual([encodeId('conversion', fits.id)])
})

test.each([
  ['status=paid', 'status'],
  ['offer_id=nope', 'offer_id'],
  ['to=x', 'to'],
  ['state=delivered', 'state'],
])('the list refuses %s by name', async (query, field) => {
  expect(await app.get(`/v1/conversions?${query}`)).toMatchObject({ status: 400, json: { error: { field } } })
})

test('there is no conversion under an unknown id', async () => {
  expect(await app.get('/v1/conversions/cnv_01h455vb4pex5vsknk084sn02q')).toMatchObject({ status: 404 })
  expect(await app.get('/v1/conversions/click-1')).toMatchObject({ status: 404 })
})

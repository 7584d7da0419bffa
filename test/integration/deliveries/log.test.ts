import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeId, type Uuid } from '../../../src/kit/ids.ts'
import { type ReadsApp, startReadsApp } from '../../support/reads-app.ts'
import type { ConversionRow, DeliveryRow } from '../../support/rows.ts'

let app: ReadsApp
let net: Awaited<ReturnType<ReadsApp['rows']['network']>>

beforeAll(async () => {
  app = await startReadsApp()
  net = await app.rows.network()
})
afterAll(() => app.close())

let clock = Date.now() - 3_600_000

/** One conversion with one delivery, each a second after the one before. */
async function one(
  delivery: Partial<DeliveryRow> = {},
  conversion: Partial<ConversionRow> = {},
): Promise<{ conversionId: Uuid; deliveryId: Uuid; wireId: string; at: number }> {
  clock += 1000
  const made = await app.rows.conversion({ ...net, at: clock, ...conversion })
  const revision = await app.rows.revision(made)
  const deliveryId = await app.rows.delivery({
    conversion: made,
    revision,
    destinationId: net.destinationId,
    state: 'delivered',
    ...delivery,
  })
  return { conversionId: made.id, deliveryId, wireId: encodeId('delivery', deliveryId), at: clock }
}

const find = async (query: string): Promise<string[]> => {
  const { status, json } = await app.get(`/v1/deliveries?limit=500&${query}`)
  expect(status, JSON.stringify(json)).toBe(200)
  return json.data.map((row: { id: string }) => row.id)
}

test('a delivery has every field of the contract', async () => {
  const made = await one(
    {
      payout: '1.250000',
      attemptsCount: 2,
      lastHttpStatus: 200,
      lastVerdict: 'delivered',
      lastAttemptAt: new Date('2026-01-01T00:00:00Z'),
      deliveredAt: new Date('2026-01-01T00:00:00Z'),
    },
    { clickId: 'full-click', affiliateClickId: 'full-aff', transactionId: 'full-tx', event: 'deposit' },
  )
  const { json } = await app.get(`/v1/deliveries/${made.wireId}`)
  expect(json).toEqual({
    id: made.wireId,
    state: 'delivered',
    reason: null,
    conversion_id: encodeId('conversion', made.conversionId),
    revision: 1,
    event: 'deposit',
    status: 'approved',
    advertiser_id: encodeId('advertiser', net.advertiserId),
    offer_id: encodeId('offer', net.offerId),
    affiliate_id: encodeId('affiliate', net.affiliateId),
    destination_id: encodeId('destination', net.destinationId),
    click_id: 'full-click',
    affiliate_click_id: 'full-aff',
    transaction_id: 'full-tx',
    payout: '1.25',
    currency: 'USD',
    attempts_count: 2,
    due_at: null,
    last: { http_status: 200, verdict: 'delivered', error: null, at: '2026-01-01T00:00:00.000Z' },
    delivered_at: '2026-01-01T00:00:00.000Z',
    test: false,
    created_at: new Date(made.at).toISOString(),
    updated_at: expect.any(String),
    attempts: [],
    curl: null,
  })
})

test('attempts come in order with numbers, and the last request as a cURL line', async () => {
  const { deliveryId, wireId } = await one({ attemptsCount: 2 })
  const at = new Date('2026-01-01T00:00:00Z')
  await app.rows.attempt(deliveryId, {
    verdict: 'retry',
    httpStatus: 500,
    error: 'http_500',
    body: 'oops',
    at,
  })
  await app.rows.attempt(deliveryId, {
    verdict: 'retry',
    error: 'timeout',
    at: new Date(at.getTime() + 5000),
    url: "https://tracker.example/postback?clickid=it's",
  })
  const { json } = await app.get(`/v1/deliveries/${wireId}`)
  expect(json.attempts).toMatchObject([
    {
      number: 1,
      started_at: at.toISOString(),
      verdict: 'retry',
      error: 'http_500',
      response: { status: 500, body: 'oops' },
      timings_ms: { dns: 1, tcp: 2, tls: 3, first_byte: 4, total: 10 },
      remote_ip: '203.0.113.9',
      destination_version: 1,
    },
    { number: 2, verdict: 'retry', error: 'timeout', response: null },
  ])
  expect(json.curl).toMatch(/^curl .*'https:\/\/tracker\.example\/postback\?clickid=it'\\''s'/)
})

test('when bodies are not kept any more an attempt still says status and verdict', async () => {
  const { deliveryId, wireId } = await one()
  await app.rows.attempt(deliveryId, { verdict: 'refused', httpStatus: 400, error: 'http_400' })
  await app.ctx.db.reads.query({ text: 'delete from attempt_bodies' })
  const { json } = await app.get(`/v1/deliveries/${wireId}`)
  expect(json.attempts).toMatchObject([{ request: null, response: { status: 400, body: null } }])
  expect(json.curl).toBeNull()
})

test('each state is found by its name, and held apart from scheduled', async () => {
  const states = ['delivered', 'refused', 'failed', 'skipped', 'superseded', 'cancelled'] as const
  const made: Record<string, string> = {}
  for (const state of states) made[state] = (await one({ state })).wireId
  made.scheduled = (await one({ state: 'scheduled' })).wireId
  made.held = (
    await one({ state: 'scheduled', dueReason: 'delay', dueAt: new Date(Date.now() + 60_000) })
  ).wireId
  const travelling = (await one({ state: 'scheduled', place: 'batch' })).wireId
  for (const [state, id] of Object.entries(made)) {
    const found = await find(`state=${state}`)
    expect(found).toContain(id)
    for (const [other, otherId] of Object.entries(made))
      if (other !== state) expect(found).not.toContain(otherId)
  }
  expect(await find('state=scheduled')).toContain(travelling)
  expect(await find('state=held,failed')).toEqual(expect.arrayContaining([made.held, made.failed]))
  expect(await find('state=held,failed')).not.toContain(made.scheduled)
})

test.each([
  ['paused', { state: 'paused' }, null, {}],
  ['disabled', { state: 'disabled' }, null, {}],
  ['breaker_open', {}, 'breaker_open', {}],
  ['receiver_asked', {}, 'receiver_asked', {}],
  ['delay', {}, null, { dueReason: 'delay', dueAt: new Date(Date.now() + 600_000) }],
])('a delivery held by %s says so and is found by that reason', async (reason, destination, blocked, due) => {
  const destinationId = await app.rows.destination(net.affiliateId, destination)
  const blockedUntil = new Date(Date.now() + 300_000)
  if (blocked !== null)
    await app.rows.insert('lanes', {
      destination_id: destinationId,
      mode: 'blocked',
      blocked_reason: blocked,
      blocked_until: blockedUntil,
    })
  const { wireId } = await one({ state: 'scheduled', destinationId, ...due })
  expect(await find(`reason=${reason}&destination_id=${encodeId('destination', destinationId)}`)).toEqual([
    wireId,
  ])
  const { json } = await app.get(`/v1/deliveries/${wireId}`)
  expect(json).toMatchObject({ state: 'held', reason })
  if (blocked !== null) expect(json.due_at).toBe(blockedUntil.toISOString())
})

test('a hold that is over is a scheduled delivery again', async () => {
  const destinationId = await app.rows.destination(net.affiliateId)
  await app.rows.insert('lanes', {
    destination_id: destinationId,
    mode: 'blocked',
    blocked_reason: 'breaker_open',
    blocked_until: new Date(Date.now() - 1000),
  })
  const { wireId } = await one({ state: 'scheduled', destinationId, dueReason: 'delay' })
  expect((await app.get(`/v1/deliveries/${wireId}`)).json).toMatchObject({ state: 'scheduled', reason: null })
})

test('each filter keeps what fits and drops the rest', async () => {
  const other = await app.rows.network()
  const fits = await one(
    { ...other, reason: 'status_not_selected', state: 'skipped', lastHttpStatus: 418, lastError: 'http_418' },
    { ...other, clickId: 'f-click', affiliateClickId: 'f-aff', transactionId: 'f-tx' },
  )
  const decoy = await one({}, { clickId: 'f-click-2', affiliateClickId: 'f-aff-2', transactionId: 'f-tx-2' })
  const filters = {
    reason: 'status_not_selected',
    affiliate_id: encodeId('affiliate', other.affiliateId),
    destination_id: encodeId('destination', other.destinationId),
    offer_id: encodeId('offer', other.offerId),
    advertiser_id: encodeId('advertiser', other.advertiserId),
    click_id: 'f-click',
    affiliate_click_id: 'f-aff',
    transaction_id: 'f-tx',
    conversion_id: encodeId('conversion', fits.conversionId),
    http_status: '418',
    error: 'http_418',
  }
  for (const [name, value] of Object.entries(filters)) {
    const found = await find(`${name}=${value}`)
    expect(found, name).toContain(fits.wireId)
    expect(found, name).not.toContain(decoy.wireId)
  }
  expect(await find(new URLSearchParams(filters).toString())).toEqual([fits.wireId])
})

test('an external id is accepted wherever an id is', async () => {
  const affiliateId = await app.rows.affiliate({ external_id: 'partner-9' })
  const destinationId = await app.rows.destination(affiliateId, { external_id: 'tracker-9' })
  const { wireId } = await one({ destinationId }, { affiliateId })
  expect(await find('affiliate_id=partner-9')).toEqual([wireId])
  expect(await find('destination_id=tracker-9')).toEqual([wireId])
})

test('q finds by the whole or the beginning of any id, never by its middle', async () => {
  const made = await one(
    {},
    { clickId: 'Qclick-100%_x', affiliateClickId: 'Qaff-200', transactionId: 'Qtx-300' },
  )
  const conversionId = encodeId('conversion', made.conversionId)
  for (const q of ['Qclick-100%_x', 'Qclick-100%', 'Qaff-2', 'Qtx-300', 'Qtx', conversionId, made.wireId])
    expect(await find(`q=${encodeURIComponent(q)}`), q).toEqual([made.wireId])
  expect(await find(`q=${made.wireId.slice(0, 25)}`)).toContain(made.wireId)
  expect(await find(`q=${encodeId('destination', net.destinationId)}`)).toContain(made.wireId)
  const owners = { affiliate: net.affiliateId, offer: net.offerId, advertiser: net.advertiserId } as const
  for (const [noun, id] of Object.entries(owners) as [keyof typeof owners, Uuid][])
    expect(await find(`q=${encodeId(noun, id)}`), noun).toContain(made.wireId)
  const other = encodeId('affiliate', await app.rows.affiliate())
  expect(await find(`q=${other}`)).toEqual([])
  expect(await find(`q=${other}&affiliate_id=${encodeId('affiliate', net.affiliateId)}`)).toEqual([])
  for (const q of ['click-100', 'aff-200', '300', 'Q%', 'Q_lick', 'qclick'])
    expect(await find(`q=${encodeURIComponent(q)}`), q).toEqual([])
})

test('from and to bound the time of creation, from included', async () => {
  const made = await one()
  const from = new Date(made.at).toISOString()
  const to = new Date(made.at + 1).toISOString()
  expect(await find(`from=${from}&to=${to}`)).toEqual([made.wireId])
  expect(await find(`from=${to}&to=${new Date(made.at + 2).toISOString()}`)).toEqual([])
})

test('pages go from newest to oldest without gap or repeat', async () => {
  const destinationId = await app.rows.destination(net.affiliateId)
  const made: string[] = []
  for (let i = 0; i < 7; i++) made.unshift((await one({ destinationId })).wireId)
  const seen: string[] = []
  let cursor: string | null = ''
  for (let pages = 0; cursor !== null && pages < 10; pages++) {
    const { json } = await app.get(
      `/v1/deliveries?limit=3&destination_id=${encodeId('destination', destinationId)}${cursor && `&cursor=${cursor}`}`,
    )
    seen.push(...json.data.map((row: { id: string }) => row.id))
    cursor = json.next_cursor
  }
  expect(seen).toEqual(made)
})

test('reason=receiver_asked finds what failed for it', async () => {
  const destinationId = await app.rows.destination(net.affiliateId)
  const own = `destination_id=${encodeId('destination', destinationId)}`
  const { wireId } = await one({
    destinationId,
    state: 'failed',
    reason: 'receiver_asked',
    attemptsCount: 3,
  })
  expect(await find(`reason=receiver_asked&${own}`)).toEqual([wireId])
  expect(await find(`state=failed&reason=receiver_asked&${own}`)).toEqual([wireId])
})

test('state=scheduled finds a retry of a destination with 5,001 delayed deliveries', async () => {
  const destinationId = await app.rows.destination(net.affiliateId)
  const { deliveryId, wireId } = await one({ destinationId, state: 'scheduled', attemptsCount: 1 })
  const db = app.ctx.db.reads
  await db.query({ text: 'update due set share = 1 where delivery_id = $1', values: [deliveryId] })
  await db.query({
    text: `insert into due (delivery_id, destination_id, share, due_at, reason)
      select gen_random_uuid(), $1, 0, now() + interval '1 h', 'delay' from generate_series(1, 5001)`,
    values: [destinationId],
  })
  expect(await find(`state=scheduled&destination_id=${encodeId('destination', destinationId)}`)).toEqual([
    wireId,
  ])
  await db.query({ text: 'delete from due where destination_id = $1', values: [destinationId] })
})

test.each([
  ['state=sent', 'state', 'invalid_field'],
  ['affiliate_id=aff_nobody', 'affiliate_id', 'unknown_affiliate'],
  ['advertiser_id=x', 'advertiser_id', 'unknown_advertiser'],
  ['offer_id=x', 'offer_id', 'unknown_offer'],
  ['destination_id=x', 'destination_id', 'invalid_field'],
  ['conversion_id=dlv_01h455vb4pex5vsknk084sn02q', 'conversion_id', 'invalid_field'],
  ['http_status=abc', 'http_status', 'invalid_field'],
  ['http_status=20000000000000', 'http_status', 'invalid_field'],
  ['from=tomorrow', 'from', 'invalid_time'],
  ['to=2026-13-01T00:00:00Z', 'to', 'invalid_time'],
  ['from=2026-02-30', 'from', 'invalid_time'],
  ['cursor=%00', 'cursor', 'invalid_field'],
  ['limit=0', 'limit', 'invalid_field'],
  ['limit=100000', 'limit', 'invalid_field'],
  [`click_id=${'x'.repeat(501)}`, 'click_id', 'field_too_long'],
  ['clik_id=1', 'clik_id', 'unknown_field'],
])('the log refuses %s, naming the filter', async (query, field, code) => {
  const { status, json } = await app.get(`/v1/deliveries?${query}`)
  expect(status).toBe(400)
  expect(json.error).toMatchObject({ code, field })
  expect(json.error.fix).toEqual(expect.any(String))
})

test.each([
  'dlv_01h455vb4pex5vsknk084sn02q',
  'dlv_',
  'x',
  '00000000-0000-7000-8000-000000000000',
  'cnv_01h455vb4pex5vsknk084sn02q',
])('%s is no delivery', async (id) => {
  expect(await app.get(`/v1/deliveries/${id}`)).toMatchObject({
    status: 404,
    json: { error: { code: 'not_found' } },
  })
})

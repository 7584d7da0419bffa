import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ControlApi, createNetwork, startControlApi } from '../../support/control-api.ts'

let api: ControlApi
beforeAll(async () => {
  api = await startControlApi()
})
afterAll(() => api.close())

test('an advertiser answers with every field and its token, which no later answer shows', async () => {
  const created = await api.post('/advertisers', {
    name: 'Shop',
    external_id: 'shop-1',
    param_map: { transaction_id: 'adv_sub' },
    status_map: { OK: 'approved', ' Bad ': 'rejected' },
    signing_secret: 'a secret of some length',
  })
  expect(created.status).toBe(201)
  expect(created.json).toMatchObject({
    id: expect.stringMatching(/^adv_[0-9a-z]{26}$/),
    external_id: 'shop-1',
    name: 'Shop',
    param_map: { transaction_id: 'adv_sub' },
    status_map: { ok: 'approved', bad: 'rejected' },
    timezone: 'UTC',
    ip_allowlist: [],
    signing_secret: true,
    rate_limit: null,
    answer: {},
    token: expect.stringMatching(/^tok_/),
    archived_at: null,
  })
  const read = await api.get('/advertisers/shop-1')
  expect(read.json).toEqual({ ...created.json, token: undefined })
  expect(read.text).not.toContain('a secret of some length')
  const [row] = await api.list<{ signing_secret: string }>(
    'select signing_secret from advertisers where id is not null',
  )
  expect(row?.signing_secret).toMatch(/^v1\./)
})

test('an offer shows its payout as decimal strings with the minor digits of its currency', async () => {
  const { offer, advertiser, affiliate } = await createNetwork(api, {
    payout: { type: 'fixed', value: 12.5, currency: 'eur' },
  })
  expect(offer).toMatchObject({
    advertiser_id: advertiser.id,
    payout: { type: 'fixed', value: '12.50', currency: 'EUR' },
    overrides: [],
    attribution_window_days: 30,
    default_status: 'approved',
    events: [],
    shared: ['sale_amount'],
    state: 'active',
  })
  const changed = await api.patch(`/offers/${offer.id}`, {
    overrides: [{ affiliate_id: affiliate.id, event: 'Sale', type: 'percent', value: '7.50' }],
  })
  expect(changed.status).toBe(200)
  expect(changed.json.overrides).toEqual([
    { affiliate_id: affiliate.id, event: 'sale', type: 'percent', value: '7.5' },
  ])
  expect(changed.json.payout).toEqual(offer.payout)
})

test('a change touches the fields that it names only, and null clears one', async () => {
  const { json: before } = await api.post('/affiliates', {
    name: 'Ben',
    email: 'ben@example.com',
    external_id: 'b',
  })
  const { json: after } = await api.patch('/affiliates/b', { email: null, click_id_from: 'sub3' })
  expect(after).toEqual({ ...before, email: null, click_id_from: 'sub3', updated_at: after.updated_at })
  expect(Date.parse(after.updated_at)).toBeGreaterThan(Date.parse(before.updated_at))
})

test('lists page through everything once, newest first', async () => {
  for (const name of ['p1', 'p2', 'p3', 'p4', 'p5']) await api.post('/affiliates', { name })
  const seen: string[] = []
  let cursor: string | null = null
  do {
    const page: { json: { data: { name: string }[]; next_cursor: string | null } } = await api.get(
      `/affiliates?limit=2${cursor === null ? '' : `&cursor=${cursor}`}`,
    )
    seen.push(...page.json.data.map((one) => one.name))
    cursor = page.json.next_cursor
  } while (cursor !== null)
  expect(seen.slice(0, 5)).toEqual(['p5', 'p4', 'p3', 'p2', 'p1'])
  expect(new Set(seen).size).toBe(seen.length)
})

test('from is included and to is not', async () => {
  const { json: one } = await api.post('/affiliates', { name: 'span' })
  const [row] = await api.list<{ at: string }>(
    'select created_at::text as at from affiliates where name = $1',
    ['span'],
  )
  const at = encodeURIComponent(`${row?.at.replace(' ', 'T').replace(/\+00$/, 'Z')}`)
  const names = async (query: string): Promise<string[]> =>
    (await api.get(`/affiliates?${query}`)).json.data.map((each: { id: string }) => each.id)
  expect(await names(`from=${at}`)).toContain(one.id)
  expect(await names(`to=${at}`)).not.toContain(one.id)
})

test('an archived resource is left out of lists, still readable, refuses changes, and comes back', async () => {
  const { advertiser, offer } = await createNetwork(api)
  const archived = await api.delete(`/offers/${offer.id}`)
  expect(archived.status).toBe(200)
  expect(archived.json.archived_at).toEqual(expect.any(String))
  const ids = async (query: string): Promise<string[]> =>
    (await api.get(`/offers?advertiser_id=${advertiser.id}${query}`)).json.data.map(
      (one: { id: string }) => one.id,
    )
  expect(await ids('')).toEqual([])
  expect(await ids('&archived=true')).toEqual([offer.id])
  expect((await api.get(`/offers/${offer.id}`)).json.archived_at).toBe(archived.json.archived_at)
  expect(await api.patch(`/offers/${offer.id}`, { name: 'x' })).toMatchObject({
    status: 409,
    json: { error: { code: 'archived' } },
  })
  const restored = await api.patch(`/offers/${offer.id}`, { archived: false, name: 'Boots' })
  expect(restored.json).toMatchObject({ archived_at: null, name: 'Boots' })
})

test('an external id is unique per kind and accepted wherever the id is', async () => {
  await api.post('/advertisers', { name: 'A', external_id: 'same' })
  expect((await api.post('/affiliates', { name: 'B', external_id: 'same' })).status).toBe(201)
  expect(await api.post('/advertisers', { name: 'C', external_id: 'same' })).toMatchObject({
    status: 409,
    json: { error: { code: 'external_id_taken', field: 'external_id' } },
  })
  const offer = await api.post('/offers', {
    advertiser_id: 'same',
    name: 'O',
    external_id: '7',
    payout: { type: 'passthrough', currency: 'USD' },
  })
  expect(offer.status).toBe(201)
  expect((await api.get('/offers/7')).json.id).toBe(offer.json.id)
})

test('what one process writes, another one decides by from the answer on', async () => {
  const other = await startControlApi({ database: api.database })
  try {
    const { offer, affiliate } = await createNetwork(api)
    const body = { click_id: 'across-1', offer_id: offer.id, affiliate_id: affiliate.id }
    expect((await other.post('/clicks', body)).status).toBe(201)
    await api.delete(`/affiliates/${affiliate.id}`)
    expect(await other.post('/clicks', { ...body, click_id: 'across-2' })).toMatchObject({
      status: 409,
      json: { error: { code: 'archived', field: 'affiliate_id' } },
    })
  } finally {
    await other.close()
  }
})

test('a rotated token leaves the old one valid for the overlap, and ends the one before', async () => {
  const { json: advertiser } = await api.post('/advertisers', { name: 'Rotating' })
  const isKnown = async (token: string): Promise<boolean> =>
    (await api.call({ method: 'GET', url: `/postback/${token}` })).status !== 401
  const second = (await api.post(`/advertisers/${advertiser.id}/rotate-token`)).json
  expect(await isKnown(advertiser.token)).toBe(true)
  expect(await isKnown(second.token)).toBe(true)
  expect(Date.parse(second.previous_token_until) - Date.now()).toBeGreaterThan(86_000_000)
  const third = (await api.post(`/advertisers/${advertiser.id}/rotate-token`, { overlap_seconds: 0 })).json
  expect(await isKnown(third.token)).toBe(true)
  expect(await isKnown(second.token)).toBe(false)
  expect(await isKnown(advertiser.token)).toBe(false)
})

import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ControlApi, createNetwork, startControlApi } from '../../support/control-api.ts'
import { eventually } from '../../support/eventually.ts'

let api: ControlApi
let network: Awaited<ReturnType<typeof createNetwork>>
let click: { affiliate_id: string; offer_id: string }
beforeAll(async () => {
  api = await startControlApi()
  network = await createNetwork(api, {
    landing_url:
      'https://shop.example/?c={network_click_id}&a={affiliate_click_id}&s={sub2}&o={offer_id}&p={affiliate_id}',
  })
  click = { affiliate_id: network.affiliate.id, offer_id: network.offer.id }
})
afterAll(() => api.close())

test('a click is stored whole and found by the click id of the network', async () => {
  const created = await api.post('/clicks', {
    ...click,
    click_id: 'Net/1 ü',
    affiliate_click_id: 'w-1',
    sub1: 'a',
    sub3: 'c',
    params: { zone: '7' },
    ip: '203.0.113.9',
    user_agent: 'Mozilla',
    country: 'de',
    clicked_at: '2026-01-31T12:00:00+01:00',
  })
  expect(created.status).toBe(201)
  expect(created.json).toMatchObject({
    result: 'created',
    id: expect.stringMatching(/^clk_/),
    click_id: 'Net/1 ü',
    sub1: 'a',
    sub2: null,
    sub3: 'c',
    params: { zone: '7' },
    country: 'DE',
    clicked_at: '2026-01-31T11:00:00.000Z',
  })
  const { result: _, ...stored } = created.json
  expect((await api.get(`/clicks/${encodeURIComponent('Net/1 ü')}`)).json).toEqual(stored)
  expect((await api.get(`/clicks/${stored.id}`)).json).toEqual(stored)
  expect((await api.get('/clicks?affiliate_click_id=w-1')).json.data).toEqual([stored])
  expect((await api.get(`/clicks?click_id=${encodeURIComponent('Net/1 ü')}`)).json.data).toEqual([stored])
})

test('the same click again is unchanged, another one under its id is refused', async () => {
  const body = { ...click, click_id: 'again', sub1: 'x' }
  expect((await api.post('/clicks', body)).status).toBe(201)
  expect(await api.post('/clicks', body)).toMatchObject({ status: 200, json: { result: 'unchanged' } })
  expect(await api.post('/clicks', { ...body, sub1: 'y' })).toMatchObject({
    status: 409,
    json: { error: { code: 'click_exists', field: 'click_id' } },
  })
})

test('a list of a thousand clicks is stored, and each bad item refuses itself only', async () => {
  const data: unknown[] = Array.from({ length: 996 }, (_, n) => ({ ...click, click_id: `list-${n}` }))
  data.push({ ...click, click_id: 'list-0' }, { ...click, click_id: 'list-1', sub1: 'other' })
  data.push({ ...click, click_id: 'bad\0' }, { ...click, affiliate_id: 'nobody', click_id: 'list-bad' })
  const { status, json } = await api.post('/clicks', { data })
  expect(status).toBe(200)
  expect(json.results).toHaveLength(1000)
  expect(json.results.slice(0, 996).every((one: { result: string }) => one.result === 'created')).toBe(true)
  expect(json.results[996]).toEqual({ click_id: 'list-0', result: 'unchanged' })
  expect(json.results[997].error).toMatchObject({ code: 'click_exists' })
  expect(json.results[998].error).toMatchObject({ code: 'invalid_encoding', field: 'click_id' })
  expect(json.results[999].error).toMatchObject({ code: 'unknown_affiliate', field: 'affiliate_id' })
})

test('lists that overlap and arrive together store each click once, whatever their order', async () => {
  const other = await startControlApi({ database: api.database })
  const holder = await api.db.reads.connect()
  try {
    const ids = Array.from({ length: 100 }, (_, n) => `race-${String(n).padStart(3, '0')}`)
    // Both lists stop at the key in the middle, each with half of its own taken.
    await holder.query('begin')
    await holder.query("insert into click_keys (click_id, id) values ('race-050', gen_random_uuid())")
    const running = Promise.all([
      api.post('/clicks', { data: ids.map((click_id) => ({ ...click, click_id })) }),
      other.post('/clicks', { data: ids.toReversed().map((click_id) => ({ ...click, click_id })) }),
    ])
    await eventually(async () => {
      const waiting =
        "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
      expect(await api.list(waiting)).toHaveLength(2)
    })
    await holder.query('rollback')
    const answers = await running
    expect(answers.map((one) => one.status)).toEqual([200, 200])
    const results = answers.flatMap((one) => one.json.results.map((each: { result: string }) => each.result))
    expect(results.filter((one) => one === 'created')).toHaveLength(100)
    expect(results.filter((one) => one === 'unchanged')).toHaveLength(100)
  } finally {
    holder.release()
    await other.close()
  }
})

test('a click wakes the conversion that waited for it', async () => {
  await api.db.reads.query({
    text: `insert into unsettled (conversion_id, click_id, reason, due_at)
      values (gen_random_uuid(), 'late', 'unknown_click', 'infinity'), (gen_random_uuid(), 'other', 'unknown_click', 'infinity')`,
  })
  await api.post('/clicks', { ...click, click_id: 'late' })
  expect(
    await api.list("select click_id from unsettled where due_at <= now() + interval '1 second'"),
  ).toEqual([{ click_id: 'late' }])
})

const follow = (query: string) =>
  api.call({ method: 'GET', url: `/click?${query}`, headers: { 'user-agent': 'Mozilla' } })

test("an affiliate's link stores the click and leads to the landing page with our click id", async () => {
  const answer = await follow(
    `offer_id=${click.offer_id}&affiliate_id=${click.affiliate_id}&cid=w%2F2&sub2=a%26b&utm=x+y&utf=%E4`,
  )
  expect(answer.status).toBe(302)
  const target = new URL(String(answer.headers.location))
  const clickId = target.searchParams.get('c')
  expect(clickId).toMatch(/^clk_/)
  expect(target.searchParams.get('a')).toBe('w/2')
  expect(target.searchParams.get('s')).toBe('a&b')
  expect(target.searchParams.get('o')).toBe(click.offer_id)
  expect((await api.get(`/clicks/${clickId}`)).json).toMatchObject({
    click_id: clickId,
    affiliate_click_id: 'w/2',
    sub1: null,
    sub2: 'a&b',
    params: { utm: 'x y', utf: '\ufffd' },
    ip: '127.0.0.1',
    user_agent: 'Mozilla',
  })
})

test("a link's names count in any letter case, and the last value that is not empty", async () => {
  const answer = await follow(
    `Offer_ID=${click.offer_id}&AFFILIATE_ID=${click.affiliate_id}&ClickID=first&clickid=w-3&CLICKID=&Sub2=b`,
  )
  const target = new URL(String(answer.headers.location))
  expect([target.searchParams.get('a'), target.searchParams.get('s')]).toEqual(['w-3', 'b'])
  expect((await api.get(`/clicks/${target.searchParams.get('c')}`)).json.params).toEqual({})
})

test('spaces around a click id are no part of it, as in reports', async () => {
  expect((await api.post('/clicks', { ...click, click_id: ' spaced ' })).json.click_id).toBe('spaced')
  expect((await api.post('/clicks', { ...click, click_id: '  ' })).json.error.field).toBe('click_id')
})

test("spaces around the affiliate's click id and subs are no part of them either, on a link and on the API", async () => {
  const query = `offer_id=${click.offer_id}&affiliate_id=${click.affiliate_id}`
  const answer = await follow(`${query}%20&click_id=w-4%20&cid=other&sub2=+s%0A&sub3=%20`)
  const target = new URL(String(answer.headers.location))
  const stored = (await api.get(`/clicks/${target.searchParams.get('c')}`)).json
  expect(stored).toMatchObject({ affiliate_click_id: 'w-4', sub2: 's', sub3: null })
  expect([target.searchParams.get('a'), target.searchParams.get('s')]).toEqual(['w-4', 's'])
  const blank = new URL(String((await follow(`${query}&click_id=%20&cid=w-5`)).headers.location))
  expect(blank.searchParams.get('a')).toBe('w-5')
  const spaced = { ...click, click_id: 'spaced-2', affiliate_click_id: ' w-6 ', sub1: ' a', sub2: ' ' }
  expect((await api.post('/clicks', spaced)).json).toMatchObject({
    affiliate_click_id: 'w-6',
    sub1: 'a',
    sub2: null,
  })
  expect((await api.post('/clicks', spaced)).json.result).toBe('unchanged')
})

test('links that come together share commits and each gets its own click', async () => {
  const query = `offer_id=${click.offer_id}&affiliate_id=${click.affiliate_id}&click_id=`
  const answers = await Promise.all(Array.from({ length: 300 }, (_, n) => follow(`${query}burst-${n}`)))
  const ids = answers.map((answer) => new URL(String(answer.headers.location)).searchParams.get('c'))
  expect(new Set(ids).size).toBe(300)
  const [row] = await api.list<{ n: number }>(
    "select count(*)::int as n from clicks where affiliate_click_id like 'burst-%'",
  )
  expect(row?.n).toBe(300)
})

test('a link whose click id stands in a sub hands that one on', async () => {
  const { json: affiliate } = await api.post('/affiliates', { name: 'Sub', click_id_from: 'sub2' })
  const answer = await follow(`offer_id=${click.offer_id}&affiliate_id=${affiliate.id}&sub2=their-id`)
  expect(new URL(String(answer.headers.location)).searchParams.get('a')).toBe('their-id')
})

test('what takes no clicks answers 404 on a link and says why on the API', async () => {
  const refused = async (offerId: string, affiliateId: string, code: string): Promise<void> => {
    expect(await follow(`offer_id=${offerId}&affiliate_id=${affiliateId}`)).toMatchObject({
      status: 404,
      json: { error: { code: 'not_found' } },
    })
    expect(
      (await api.post('/clicks', { click_id: 'refused', offer_id: offerId, affiliate_id: affiliateId })).json,
    ).toMatchObject({ error: { code } })
  }
  const { offer, affiliate, advertiser } = await createNetwork(api)
  await refused('nothing', affiliate.id, 'unknown_offer')
  await refused(offer.id, 'nobody', 'unknown_affiliate')
  await api.patch(`/offers/${offer.id}`, { state: 'paused' })
  await refused(offer.id, affiliate.id, 'not_active')
  await api.patch(`/offers/${offer.id}`, { state: 'active' })
  await api.patch(`/affiliates/${affiliate.id}`, { state: 'blocked' })
  await refused(offer.id, affiliate.id, 'not_active')
  await api.patch(`/affiliates/${affiliate.id}`, { state: 'active', archived: true })
  await refused(offer.id, affiliate.id, 'archived')
  await api.patch(`/affiliates/${affiliate.id}`, { archived: false })
  await api.delete(`/advertisers/${advertiser.id}`)
  await refused(offer.id, affiliate.id, 'archived')
})

test('an offer without a landing page has no link but takes the clicks of the network', async () => {
  const { offer, affiliate } = await createNetwork(api, { landing_url: null })
  expect((await follow(`offer_id=${offer.id}&affiliate_id=${affiliate.id}`)).status).toBe(404)
  const body = { click_id: 'own-redirect', offer_id: offer.id, affiliate_id: affiliate.id }
  expect((await api.post('/clicks', body)).status).toBe(201)
})

test.each([
  ['affiliate_id=a', 'missing_field', 'offer_id'],
  ['offer_id=a', 'missing_field', 'affiliate_id'],
  ['offer_id=%00&affiliate_id=a', 'invalid_encoding', 'offer_id'],
  ['offer_id=a&affiliate_id=b&click_id=%E4', 'invalid_encoding', 'click_id'],
  ['offer_id=a&affiliate_id=b&sub4=%zz', 'invalid_encoding', 'sub4'],
  [`offer_id=a&affiliate_id=b&click_id=${'x'.repeat(501)}`, 'field_too_long', 'click_id'],
  [`offer_id=a&affiliate_id=b&sub10=${'x'.repeat(501)}`, 'field_too_long', 'sub10'],
  [`offer_id=a&affiliate_id=b&other=${'x'.repeat(4097)}`, 'field_too_long', 'other'],
  [`offer_id=a&affiliate_id=b&${'p=1&'.repeat(3000)}`, 'too_many_parameters', undefined],
])('a broken link is a 4xx that names its parameter: %.40s', async (query, code, field) => {
  const { status, json } = await follow(query)
  expect(status).toBe(400)
  expect(json.error).toMatchObject({ code, fix: expect.any(String) })
  expect(json.error.field).toBe(field)
})

test('the same click again is unchanged although its time lay ahead of our clock', async () => {
  const body = { ...click, click_id: 'ahead', clicked_at: new Date(Date.now() + 5000).toISOString() }
  expect((await api.post('/clicks', body)).status).toBe(201)
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(await api.post('/clicks', body)).toMatchObject({ status: 200, json: { result: 'unchanged' } })
})

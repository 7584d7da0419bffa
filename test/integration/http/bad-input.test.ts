import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ADMIN_KEY, type ControlApi, createNetwork, startControlApi } from '../../support/control-api.ts'

let api: ControlApi
let ids: Record<string, string>
beforeAll(async () => {
  api = await startControlApi()
  const { advertiser, affiliate, offer } = await createNetwork(api)
  const destination = (
    await api.post('/destinations', {
      affiliate_id: affiliate.id,
      url: 'https://tracker.example/?clickid={clickid}',
    })
  ).json
  ids = { ADV: advertiser.id, AFF: affiliate.id, OFR: offer.id, DST: destination.id }
})
afterAll(() => api.close())

/** ADV, AFF, OFR and DST stand for ids of the network, UNIQUE for something else each time; `required` are the fields without which it is refused. */
const ROUTES = [
  {
    method: 'POST',
    url: '/advertisers',
    required: ['name'],
    body: {
      external_id: 'UNIQUE',
      name: 'Shop',
      param_map: { click_id: 'c' },
      status_map: { ok: 'approved' },
      timezone: 'UTC',
      ip_allowlist: ['203.0.113.0/24'],
      signing_secret: 'sixteen characters',
      answer: { format: 'text', always_200: true },
    },
  },
  { method: 'POST', url: '/advertisers/ADV/rotate-token', required: [], body: { overlap_seconds: 5 } },
  {
    method: 'POST',
    url: '/offers',
    required: ['advertiser_id', 'name', 'payout', 'payout.type', 'payout.value', 'payout.currency'],
    body: {
      advertiser_id: 'ADV',
      external_id: 'UNIQUE',
      name: 'Shoes',
      landing_url: 'https://shop.example/',
      payout: { type: 'fixed', value: '1', currency: 'EUR' },
      overrides: [{ affiliate_id: 'AFF', event: 'sale', type: 'percent', value: '5', currency: 'EUR' }],
      attribution_window_days: 30,
      default_status: 'pending',
      events: ['sale'],
      shared: ['sale_amount'],
      state: 'paused',
    },
  },
  {
    method: 'POST',
    url: '/affiliates',
    required: ['name'],
    body: {
      external_id: 'UNIQUE',
      name: 'Anna',
      email: 'a@example.com',
      click_id_from: 'sub1',
      state: 'blocked',
    },
  },
  {
    method: 'POST',
    url: '/destinations',
    required: ['affiliate_id', 'url'],
    body: {
      affiliate_id: 'AFF',
      external_id: 'UNIQUE',
      name: 'Tracker',
      preset: 'plain',
      method: 'POST',
      url: 'https://tracker.example/?clickid={clickid}',
      url_by_status: { approved: 'https://tracker.example/a?clickid={clickid}' },
      headers: { 'X-A': 'b' },
      body: 'a={payout}',
      content_type: 'application/x-www-form-urlencoded',
      secrets: { KEY: 'value' },
      events: ['sale'],
      statuses: ['approved'],
      changes: ['status'],
      offer_ids: ['OFR'],
      fallback: true,
      delay_seconds: 5,
      success: { statuses: [200], body_contains: 'ok', json: { path: 'a', equals: 'b' } },
      retry: { schedule: ['5s'] },
      rate_limit: { per_second: 5 },
      concurrency: 2,
      signing_secret: 'sixteen characters',
    },
  },
  {
    method: 'POST',
    url: '/clicks',
    required: ['click_id', 'affiliate_id', 'offer_id'],
    body: {
      click_id: 'UNIQUE',
      affiliate_id: 'AFF',
      offer_id: 'OFR',
      affiliate_click_id: 'a',
      sub1: 'a',
      sub10: 'b',
      params: { a: 'b' },
      ip: '203.0.113.1',
      user_agent: 'Mozilla',
      country: 'DE',
      clicked_at: '2026-01-01T00:00:00Z',
    },
  },
  { method: 'POST', url: '/keys', required: ['name'], body: { name: 'bot', role: 'admin' } },
  { method: 'PATCH', url: '/advertisers/ADV', required: [], body: { name: 'x', archived: false } },
  {
    method: 'PATCH',
    url: '/offers/OFR',
    required: [],
    body: { payout: { type: 'passthrough', currency: 'EUR' } },
  },
  { method: 'PATCH', url: '/affiliates/AFF', required: [], body: { name: 'x', archived: false } },
  { method: 'PATCH', url: '/destinations/DST', required: [], body: { name: 'x', archived: false } },
] as const

const BAD_VALUES: [string, unknown][] = [
  ['a text of 100,000 characters', 'x'.repeat(100_000)],
  ['a text of 40 digits', '1'.repeat(40)],
  ['a number of 40 digits', 1e40],
  ['a negative number', -1],
  ['a fraction', 0.5],
  ['an empty text', ''],
  ['a space', ' '],
  ['true', true],
  ['null', null],
  ['a list', [[]]],
  ['a list of 100,000', Array(100_000).fill('x')],
  ['an object', { '': {} }],
  ['a NUL', 'a\0b'],
  ['a NUL in a name', { 'a\0b': 'x' }],
  ['a lone surrogate', 'a\ud800b'],
  ['a control character', 'a\nb'],
]

/** Every place in a body, as a path of names. */
const pathsOf = (value: unknown, path: (string | number)[] = []): (string | number)[][] =>
  typeof value !== 'object' || value === null
    ? [path]
    : [
        path,
        ...Object.entries(value).flatMap(([name, member]) =>
          pathsOf(member, [...path, Array.isArray(value) ? Number(name) : name]),
        ),
      ]

function replaced(value: unknown, [first, ...rest]: (string | number)[], by: unknown): unknown {
  if (first === undefined) return by
  if (Array.isArray(value)) return value.map((one, at) => (at === first ? replaced(one, rest, by) : one))
  const copy = { ...(value as Record<string, unknown>) }
  copy[String(first)] = replaced(copy[String(first)], rest, by)
  return copy
}

let unique = 0
const withIds = (text: string): string =>
  text.replace(/ADV|AFF|OFR|DST|UNIQUE/g, (name) => ids[name] ?? `unique-${unique++}`)
const send = (route: { method: string; url: string }, body: unknown) =>
  api.call({
    method: route.method as 'POST',
    url: `/v1${withIds(route.url)}`,
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
    payload: withIds(JSON.stringify(body)),
  })

describe.each(ROUTES)('$method $url', (route) => {
  test('each bad value in each field is taken, or refused with a 4xx that names field and fix', {
    timeout: 60_000,
  }, async () => {
    for (const path of pathsOf(route.body).filter(({ length }) => length > 0))
      for (const [kind, value] of BAD_VALUES) {
        const answer = await send(route, replaced(route.body, path, value))
        const what = `${path.join('.')} as ${kind}: ${answer.text.slice(0, 300)}`
        expect(answer.status, what).toBeLessThan(500)
        if (path[0] === 'archived') await send(route, { archived: false })
        if (answer.status < 400) continue
        const { error } = answer.json
        expect(error.fix, what).toEqual(expect.any(String))
        if (error.code === 'destination_invalid') expect(error.findings.length, what).toBeGreaterThan(0)
        else expect(String(error.field).split('.')[0], what).toBe(String(path[0]))
      }
  })

  test('a field that does not exist is refused, at every depth', async () => {
    const answer = await send(route, { ...route.body, nonsense: 1 })
    expect(answer).toMatchObject({
      status: 400,
      json: { error: { code: 'unknown_field', field: 'nonsense' } },
    })
  })

  test.each([...route.required])('without %s it is refused by name', async (field) => {
    const path = field.split('.')
    const answer = await send(route, replaced(route.body, path, undefined))
    expect(answer).toMatchObject({ status: 400, json: { error: { code: 'missing_field', field } } })
  })
})

test.each(['advertisers', 'offers', 'affiliates', 'destinations', 'clicks', 'keys'])(
  '%s: an unknown id is 404 on every route, whatever it looks like',
  async (noun) => {
    const unknown = [
      'nothing',
      'adv_01h455vb4pex5vsknk084sn02q',
      '%E4%F6',
      '..%2f',
      "'--",
      'x'.repeat(120),
      '0',
    ]
    for (const id of unknown) {
      const answer = await api.get(`/${noun}/${id}`)
      expect([400, 404], `${id}: ${answer.text}`).toContain(answer.status)
      if (noun === 'clicks') continue
      expect([400, 404]).toContain((await api.delete(`/${noun}/${id}`)).status)
      if (noun !== 'keys') expect([400, 404]).toContain((await api.patch(`/${noun}/${id}`, {})).status)
    }
    expect(await api.get(`/${noun}/a%00b`)).toMatchObject({
      status: 400,
      json: { error: { code: 'invalid_encoding', field: 'id' } },
    })
    expect((await api.get(`/${noun}/${'x'.repeat(5000)}`)).status).toBe(400)
  },
)

test.each([
  ['limit=0', 'limit'],
  ['limit=501', 'limit'],
  ['limit=x', 'limit'],
  ['limit=99999999999999999999999999999999999999999', 'limit'],
  ['limit=1&limit=2', 'limit'],
  ['cursor=x', 'cursor'],
  ['cursor=%00', 'cursor'],
  [`cursor=${'x'.repeat(2000)}`, 'cursor'],
  ['from=yesterday', 'from'],
  ['to=2026-13-45', 'to'],
  ['to=%00', 'to'],
  ['nonsense=1', 'nonsense'],
])('a list with ?%.30s is refused by name', async (query, field) => {
  for (const noun of ['advertisers', 'offers', 'affiliates', 'destinations', 'clicks', 'keys']) {
    const answer = await api.get(`/${noun}?${query}`)
    expect(answer, `${noun}: ${answer.text}`).toMatchObject({
      status: 400,
      json: { error: { field, fix: expect.any(String) } },
    })
  }
})

test.each([
  ['offers?advertiser_id=nobody', 'unknown_advertiser'],
  ['destinations?affiliate_id=nobody', 'unknown_affiliate'],
  ['clicks?affiliate_id=nobody', 'unknown_affiliate'],
  ['clicks?offer_id=nobody', 'unknown_offer'],
  ['destinations?state=broken', 'invalid_field'],
  ['affiliates?archived=perhaps', 'invalid_field'],
])('a filter that can match nothing is refused: %s', async (path, code) => {
  expect(await api.get(`/${path}`)).toMatchObject({ status: 400, json: { error: { code } } })
})

test.each([
  [
    '/offers',
    { advertiser_id: 'nobody', name: 'x', payout: { type: 'passthrough', currency: 'EUR' } },
    'unknown_advertiser',
  ],
  ['/destinations', { affiliate_id: 'nobody', url: 'https://t.example/?c={clickid}' }, 'unknown_affiliate'],
  ['/clicks', { click_id: 'c', affiliate_id: 'AFF', offer_id: 'nothing' }, 'unknown_offer'],
  ['/advertisers', { name: 'x', rate_limit: { per_second: 5 } }, 'not_available'],
  [
    '/offers',
    { advertiser_id: 'ADV', name: 'x', payout: { type: 'fixed', value: '-1', currency: 'EUR' } },
    'invalid_amount',
  ],
  [
    '/offers',
    { advertiser_id: 'ADV', name: 'x', payout: { type: 'fixed', value: '1', currency: 'XXZ' } },
    'invalid_currency',
  ],
  [
    '/offers',
    { advertiser_id: 'ADV', name: 'x', payout: { type: 'passthrough', value: '1', currency: 'EUR' } },
    'invalid_field',
  ],
  [
    '/clicks',
    { click_id: 'c', affiliate_id: 'AFF', offer_id: 'OFR', clicked_at: '2099-01-01' },
    'invalid_time',
  ],
])('%s refuses what can not be meant: %#', async (url, body, code) => {
  expect(await send({ method: 'POST', url }, body)).toMatchObject({
    status: 400,
    json: { error: { code, field: expect.any(String), fix: expect.any(String) } },
  })
})

import { afterAll, beforeAll, expect, test } from 'vitest'
import { ensureAdminKey } from '../../../src/accounts/create-api-key.ts'
import { withTx } from '../../../src/db/database.ts'
import { ADMIN_KEY, type ControlApi, createNetwork, startControlApi } from '../../support/control-api.ts'

let api: ControlApi
beforeAll(async () => {
  api = await startControlApi({ env: { TRUSTED_PROXIES: '127.0.0.1' } })
})
afterAll(() => api.close())

const listWith = (key: string | null, address = '203.0.113.1') =>
  api.call({
    method: 'GET',
    url: '/v1/affiliates',
    headers: { 'x-forwarded-for': address, ...(key !== null && { authorization: `Bearer ${key}` }) },
  })

test('the first start alone makes an admin key, also where two start together', async () => {
  for (let round = 0; round < 5; round++) {
    await api.list('delete from api_keys')
    const made = await Promise.all(Array.from({ length: 3 }, () => ensureAdminKey(api.ctx)))
    const keys = made.filter((key) => key !== null)
    expect(keys).toHaveLength(1)
    expect((await listWith(keys[0] ?? '')).status).toBe(200)
    expect(await ensureAdminKey(api.ctx)).toBeNull()
  }
})

test('a key is shown once, stored as a hash, and refused from the answer of its revocation on', async () => {
  const { status, json } = await api.post('/keys', { name: 'bot' })
  expect(status).toBe(201)
  expect(json).toMatchObject({
    name: 'bot',
    role: 'admin',
    revoked_at: null,
    key: expect.stringMatching(/^key_/),
  })
  expect((await listWith(json.key)).status).toBe(200)
  const listed = await api.get('/keys')
  expect(listed.text).not.toContain(json.key)
  expect(listed.json.data).toContainEqual(
    expect.objectContaining({ id: json.id, shown: json.key.slice(0, 8) }),
  )
  const [row] = await api.list<{ n: number }>(
    'select count(*)::int as n from api_keys where key_hash = sha256($1)',
    [Buffer.from(json.key)],
  )
  expect(row?.n).toBe(1)
  const revoked = await api.delete(`/keys/${json.id}`)
  expect(revoked.json.revoked_at).toEqual(expect.any(String))
  expect(await listWith(json.key)).toMatchObject({ status: 401, json: { error: { code: 'unauthorized' } } })
  expect((await api.get('/keys')).text).not.toContain(json.id)
  expect((await api.get('/keys?revoked=true')).text).toContain(json.id)
})

test('other roles than admin are not available yet', async () => {
  expect(await api.post('/keys', { name: 'x', role: 'viewer' })).toMatchObject({
    status: 400,
    json: { error: { code: 'not_available', field: 'role' } },
  })
})

test.each([null, '', 'wrong', 'key_wrong', `${ADMIN_KEY}x`, 'x'.repeat(300)])(
  'without a valid key the answer is 401: %.20s',
  async (key) => {
    expect(await listWith(key, '203.0.113.77')).toMatchObject({
      status: 401,
      json: { error: { code: 'unauthorized' } },
    })
  },
)

test('after 20 failures of an address it is 429, while its valid key and other addresses go on', async () => {
  const statuses: number[] = []
  for (let n = 0; n < 21; n++) statuses.push((await listWith('wrong', '203.0.113.5')).status)
  expect(statuses).toEqual([...Array(20).fill(401), 429])
  const refused = await listWith('wrong', '203.0.113.5')
  expect(refused.json.error.code).toBe('too_many_failures')
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
  expect((await listWith(ADMIN_KEY, '203.0.113.5')).status).toBe(200)
  expect((await listWith('wrong', '203.0.113.6')).status).toBe(401)
  const postback = await api.call({
    method: 'GET',
    url: '/postback/wrong?clickid=a',
    headers: { 'x-forwarded-for': '203.0.113.5' },
  })
  expect(postback.status).toBe(429)
})

test('clicks, conversions and refusals do not wait for reports that hold every connection of theirs', async () => {
  const { advertiser, affiliate, offer } = await createNetwork(api)
  const { key } = (await api.post('/keys', { name: 'feed' })).json
  const { promise: isOver, resolve: end } = Promise.withResolvers<void>()
  const slow = Array.from({ length: 3 }, () => withTx(api.db.reads, () => isOver))
  const report = (url: string, payload: object) =>
    api.call({ method: 'POST', url, headers: { authorization: `Bearer ${key}` }, payload })
  const answers = await Promise.all([
    report('/v1/clicks', { click_id: 'c', affiliate_id: affiliate.id, offer_id: offer.id }),
    report('/v1/conversions', { advertiser_id: advertiser.id, click_id: 'unknown' }),
    api.call({ method: 'GET', url: `/postback/${advertiser.token}?status=x` }),
  ])
  end()
  await Promise.all(slow)
  expect(answers.map(({ status }) => status)).toEqual([201, 202, 400])
})

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { findingsOfEach } from '../../../src/destinations/write-destination.ts'
import { decodeId, type Noun, newUuid, type Uuid } from '../../../src/kit/ids.ts'
import { type ControlApi, createNetwork, startControlApi } from '../../support/control-api.ts'
import { sampleDefinition } from '../../support/destination-samples.ts'
import { eventually } from '../../support/eventually.ts'
import { createRows } from '../../support/rows.ts'
import { countTurns } from '../../support/turns.ts'

const URL_OK = 'https://tracker.example/postback?clickid={affiliate_click_id}&payout={payout}'

let api: ControlApi
let network: Awaited<ReturnType<typeof createNetwork>>
beforeAll(async () => {
  api = await startControlApi()
})
beforeEach(async () => {
  network = await createNetwork(api)
})
afterAll(() => api.close())

const create = (fields: object) =>
  api.post('/destinations', { affiliate_id: network.affiliate.id, url: URL_OK, ...fields })

test('a destination answers with every field, and its secrets by name only', async () => {
  const { status, json, text } = await create({
    method: 'POST',
    body: '{"id":"{affiliate_click_id}","key":"{secret:KEY}"}',
    secrets: { KEY: 'very-secret' },
    signing_secret: 'whsec_c2VjcmV0c2VjcmV0c2VjcmV0',
    offer_ids: [network.offer.id],
    retry: { schedule: ['10s', '1m'] },
    success: { json: { path: 'ok', equals: true } },
  })
  expect(status, text).toBe(201)
  expect(json).toMatchObject({
    id: expect.stringMatching(/^dst_/),
    affiliate_id: network.affiliate.id,
    secrets: { KEY: true },
    signing_secret: true,
    offer_ids: [network.offer.id],
    statuses: ['approved'],
    changes: ['status'],
    events: [],
    fallback: false,
    delay_seconds: 0,
    retry: { schedule: ['10s', '1m'] },
    success: { json: { path: 'ok', equals: true } },
    rate_limit: null,
    concurrency: null,
    state: 'active',
    version: 1,
    health: { breaker: 'closed', success_rate: null, p95_ms: null, last_error: null, held: 0 },
  })
  const stored = await api.list<{ definition: string }>('select definition::text from destination_versions')
  expect(`${text}${JSON.stringify(stored)}`).not.toContain('very-secret')
})

test('a page of many is checked row by row, so that others are served between them', async () => {
  const rows = Array.from({ length: 100 }, () => ({
    id: newUuid(Date.now()),
    affiliate_id: newUuid(Date.now()),
    definition: sampleDefinition({ url: 'https://tracker.example/postback?clickid=REPLACE' }),
  }))
  const turns = countTurns()
  const findings = await findingsOfEach(api.ctx, rows)
  const counted = turns.stop()
  expect([...findings.keys()]).toEqual(rows.map(({ id }) => id))
  expect(findings.get(rows[99]?.id ?? '')?.map(({ code }) => code)).toContain('placeholder_left')
  expect(counted).toBeGreaterThan(rows.length - 1)
})

test('each change of the definition is a version of its own, other changes are not', async () => {
  const { json: first } = await create({ secrets: { KEY: 'one' }, headers: { 'X-Key': '{secret:KEY}' } })
  const path = `/destinations/${first.id}`
  expect((await api.patch(path, { external_id: `ext-${first.id}` })).json.version).toBe(1)
  expect((await api.patch(path, { statuses: ['approved'] })).json.version).toBe(1)
  const { json: second } = await api.patch(path, {
    statuses: ['approved', 'pending'],
    secrets: { MORE: 'two' },
  })
  expect(second).toMatchObject({ version: 2, secrets: { KEY: true, MORE: true }, url: first.url })
  expect((await api.patch(path, { secrets: { MORE: null } })).json).toMatchObject({
    version: 3,
    secrets: { KEY: true },
  })
  const versions = await api.list<{ version: number; statuses: string }>(
    "select v.version, definition->>'statuses' as statuses from destination_versions v join destinations d on d.id = v.destination_id where d.external_id = $1 order by v.version",
    [`ext-${first.id}`],
  )
  expect(versions.map((row) => row.statuses)).toEqual([
    '["approved"]',
    '["approved", "pending"]',
    '["approved", "pending"]',
  ])
})

test('a destination that can not work is refused with its findings and not stored', async () => {
  const answer = await create({ url: 'https://tracker.example/postback?clickid={clickidd}' })
  expect(answer).toMatchObject({ status: 422, json: { error: { code: 'destination_invalid' } } })
  expect(answer.json.error.findings).toContainEqual({
    code: expect.any(String),
    severity: 'error',
    message: expect.any(String),
    fix: expect.any(String),
  })
  expect((await create({ url: 'http://127.0.0.1/postback?clickid={clickid}' })).status).toBe(422)
  expect((await api.get(`/destinations?affiliate_id=${network.affiliate.id}`)).json.data).toEqual([])
})

test.each(['', '  ', 'no URL'])('%j for a URL is a finding, not a malformed request', async (url) => {
  for (const answer of [await create({ url }), await create({ url_by_status: { rejected: url } })]) {
    expect(answer).toMatchObject({ status: 422, json: { error: { code: 'destination_invalid' } } })
    expect(answer.json.error.findings).toContainEqual(expect.objectContaining({ severity: 'error' }))
  }
})

test('foreign macros are stored translated, and the URL as given is kept', async () => {
  const { json } = await create({ url: 'https://tracker.example/postback?clickid={{clickid}}&st={status}' })
  expect(json.url).toContain('{')
  expect(json.url).not.toContain('{{')
  expect(json.url_as_given).toContain('{{clickid}}')
  const same = await api.patch(`/destinations/${json.id}`, { events: ['sale'] })
  expect(same.json.url_as_given).toBe(json.url_as_given)
})

test('limits are stored, shown, changed and taken away again, each as a version', async () => {
  const { json } = await create({ rate_limit: { per_second: 0.2 }, concurrency: 3 })
  expect(json).toMatchObject({ rate_limit: { per_second: 0.2 }, concurrency: 3, version: 1 })
  const path = `/destinations/${json.id}`
  const faster = await api.patch(path, { rate_limit: { per_second: 1000 } })
  expect(faster.json).toMatchObject({ rate_limit: { per_second: 1000 }, concurrency: 3, version: 2 })
  const free = await api.patch(path, { rate_limit: null, concurrency: null })
  expect(free.json).toMatchObject({ rate_limit: null, concurrency: null, version: 3 })
  expect((await api.get(path)).json).toMatchObject({ rate_limit: null, concurrency: null, version: 3 })
})

test.each([
  ['rate_limit', { per_second: 0 }],
  ['rate_limit', { per_second: 2.5 }],
  ['concurrency', 0],
  ['concurrency', 5000],
])('%s %j is refused with a fix', async (field, value) => {
  const answer = await create({ [field]: value })
  expect(answer).toMatchObject({ status: 422, json: { error: { code: 'destination_invalid' } } })
  expect(answer.json.error.findings).toContainEqual({
    code: field,
    severity: 'error',
    message: expect.any(String),
    fix: expect.any(String),
  })
})

test.each([
  ['rate_limit', 5],
  ['rate_limit', { per_second: 'many' }],
  ['rate_limit', { per_minute: 5 }],
  ['concurrency', { max: 1 }],
])('%s %j is no such field', async (field, value) => {
  const answer = await create({ [field]: value })
  expect(answer.status).toBe(400)
  expect(answer.json.error.field).toContain(field)
})

test('pause holds and resume releases, also a disabled one', async () => {
  const { json } = await create({})
  expect((await api.post(`/destinations/${json.id}/pause`)).json.state).toBe('paused')
  expect((await api.post(`/destinations/${json.id}/resume`)).json.state).toBe('active')
  await api.list("update destinations set state = 'disabled', state_reason = 'gone'")
  expect((await api.post(`/destinations/${json.id}/resume`)).json).toMatchObject({
    state: 'active',
    state_reason: null,
  })
  await api.delete(`/destinations/${json.id}`)
  expect((await api.post(`/destinations/${json.id}/pause`)).json).toMatchObject({
    error: { code: 'archived' },
  })
})

test('the health tells how its last day went and what is held', async () => {
  const { json } = await create({})
  const { rows, conversion, revision } = await startWay()
  const destinationId = bare('destination', json.id)
  for (const verdict of ['delivered', 'delivered', 'delivered', 'retry'] as const) {
    const id = await rows.delivery({ conversion, revision, destinationId, state: 'delivered' })
    await rows.insert('attempts', {
      delivery_id: id,
      id: newUuid(Date.now()),
      started_at: new Date(),
      verdict,
      error: verdict === 'retry' ? 'timeout' : null,
      timings_ms: { total: 40 },
      destination_version: 1,
    })
  }
  await rows.delivery({ conversion, revision, destinationId })
  await api.post(`/destinations/${json.id}/pause`)
  expect((await api.get(`/destinations/${json.id}`)).json.health).toEqual({
    breaker: 'closed',
    success_rate: 0.75,
    p95_ms: 40,
    last_error: { error: 'timeout', http_status: null, at: expect.any(String) },
    held: 1,
  })
})

test.each(['destination', 'affiliate', 'offer', 'advertiser'] as const)(
  'archiving the %s cancels what waits and leaves the rest',
  async (noun) => {
    const { json: destination } = await create({})
    const { rows, conversion, revision } = await startWay()
    const destinationId = bare('destination', destination.id)
    const waiting = await rows.delivery({ conversion, revision, destinationId })
    const travelling = await rows.delivery({ conversion, revision, destinationId, place: 'batch' })
    const delivered = await rows.delivery({ conversion, revision, destinationId, state: 'delivered' })
    const other = await createNetwork(api)
    const otherDestination = await api.post('/destinations', {
      affiliate_id: other.affiliate.id,
      url: URL_OK,
    })
    const otherConversion = await rows.conversion({
      advertiserId: bare('advertiser', other.advertiser.id),
      offerId: bare('offer', other.offer.id),
      affiliateId: bare('affiliate', other.affiliate.id),
    })
    const others = await rows.delivery({
      conversion: otherConversion,
      revision,
      destinationId: bare('destination', otherDestination.json.id),
    })

    const ids = { ...network, destination }
    expect((await api.delete(`/${noun}s/${ids[noun].id}`)).status).toBe(200)
    const states = await api.list<{ id: string; state: string; reason: string | null; is_due: boolean }>(
      `select d.id, d.state, d.reason, u.delivery_id is not null as is_due
      from deliveries d left join due u on u.delivery_id = d.id where d.id = any($1)`,
      [[waiting, travelling, delivered, others]],
    )
    const byId = Object.fromEntries(states.map(({ id, ...rest }) => [id, rest]))
    expect(byId[waiting]).toEqual({ state: 'cancelled', reason: `${noun}_archived`, is_due: false })
    expect(byId[travelling]).toEqual({ state: 'scheduled', reason: null, is_due: false })
    expect(byId[delivered]).toEqual({ state: 'delivered', reason: null, is_due: false })
    expect(byId[others]).toEqual({ state: 'scheduled', reason: null, is_due: true })
  },
)

const bare = (noun: Noun, id: string): Uuid => decodeId(noun, id) ?? ''

/** A conversion of the network with one revision. */
async function startWay() {
  const rows = createRows(api.db.reads)
  const conversion = await rows.conversion({
    advertiserId: bare('advertiser', network.advertiser.id),
    offerId: bare('offer', network.offer.id),
    affiliateId: bare('affiliate', network.affiliate.id),
  })
  return { rows, conversion, revision: await rows.revision(conversion) }
}

describe('changes at the same time', () => {
  test('of different fields are all kept', async () => {
    const { affiliate } = await createNetwork(api)
    const { id } = (await api.post('/destinations', { affiliate_id: affiliate.id, url: URL_OK })).json
    for (let n = 0; n < 10; n++) {
      const answers = await Promise.all([
        api.patch(`/destinations/${id}`, { name: `n-${n}` }),
        api.patch(`/destinations/${id}`, { delay_seconds: n }),
      ])
      expect(answers.map(({ status }) => status)).toEqual([200, 200])
      expect((await api.get(`/destinations/${id}`)).json).toMatchObject({ name: `n-${n}`, delay_seconds: n })
    }
  })

  test('one that waited for a look-up does not bring an old secret and URL back', async () => {
    const waiting: ((addresses: string[]) => void)[] = []
    let isSlow = false
    const slow = await startControlApi({
      lookUp: () =>
        isSlow ? new Promise((resolve) => void waiting.push(resolve)) : Promise.resolve(['9.9.9.9']),
    })
    try {
      const { affiliate } = await createNetwork(slow)
      const body = { affiliate_id: affiliate.id, url: `${URL_OK}&k={secret:KEY}`, secrets: { KEY: 'leaked' } }
      const { id } = (await slow.post('/destinations', body)).json
      isSlow = true
      const rename = slow.patch(`/destinations/${id}`, { name: 'renamed' })
      await eventually(() => expect(waiting).toHaveLength(1))
      isSlow = false
      const url = `${URL_OK}&new=1&k={secret:KEY}`
      expect((await slow.patch(`/destinations/${id}`, { url, secrets: { KEY: 'fresh' } })).status).toBe(200)
      waiting[0]?.(['9.9.9.9'])
      expect((await rename).json).toMatchObject({ name: 'renamed', url })
      const stored = slow.ctx.catalogue.destination(slow.ctx.catalogue.resolve('destination', id) ?? '')
      expect(slow.ctx.secrets.open(stored?.definition.secrets.KEY ?? '')).toBe('fresh')
    } finally {
      await slow.close()
    }
  })
})

test('one that could not be saved any more can still be archived and restored', async () => {
  const { affiliate } = await createNetwork(api)
  const url = 'https://later.example/conv?x={affiliate_click_id}'
  const { id } = (await api.post('/destinations', { affiliate_id: affiliate.id, url })).json
  await api.post('/presets', {
    name: 'later',
    title: 'Later',
    recognise: [{ host: 'Later.example' }],
    click_id_parameter: 'visit',
    parameters: [{ name: 'visit', macro: '{affiliate_click_id}', need: 'required' }],
  })
  expect((await api.patch(`/destinations/${id}`, { name: 'x' })).status).toBe(422)
  expect((await api.patch(`/destinations/${id}`, { archived: true })).status).toBe(200)
  expect((await api.patch(`/destinations/${id}`, { archived: false })).json.archived_at).toBeNull()
})

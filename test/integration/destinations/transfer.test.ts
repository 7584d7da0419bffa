import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ADMIN_KEY, type ControlApi, createNetwork, startControlApi } from '../../support/control-api.ts'
import { countTurns } from '../../support/turns.ts'

let api: ControlApi
beforeAll(async () => {
  api = await startControlApi()
})
afterAll(() => api.close())

const KEITARO =
  'https://trk.shop-partner.com/a1b2c3/postback?subid={clickid}&status={status|map:approved=sale}'
const post = (url: string, contentType: string, payload: string) =>
  api.call({
    method: 'POST',
    url: `/v1${url}`,
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': contentType },
    payload,
  })

describe('lint', () => {
  test('says what a URL is, mends it and stores nothing', async () => {
    const before = await api.list('select id from destinations')
    const { status, json } = await api.post('/destinations/lint', {
      url: 'https://trk.shop-partner.com/a1b2c3/postback&subid=#s2#&payout=REPLACE',
    })
    expect(status).toBe(200)
    expect(json.preset).toBe('keitaro')
    expect(json.url).toBe(
      'https://trk.shop-partner.com/a1b2c3/postback?subid={affiliate_click_id}&payout={payout}',
    )
    expect(json.findings.length).toBeGreaterThan(0)
    expect(await api.list('select id from destinations')).toEqual(before)
  })

  test.each(['', ' ', '\u0000', '\ud800', '%', '{{{', 'a'.repeat(8192), 'javascript:alert(1)'])(
    'answers 200 for any text (%#)',
    async (url) => {
      const { status, json } = await api.post('/destinations/lint', { url })
      expect(status).toBe(200)
      expect(json.findings.length).toBeGreaterThan(0)
    },
  )

  test.each<[object, string]>([
    [{}, 'missing_field'],
    [{ url: 'a'.repeat(8193) }, 'field_too_long'],
    [{ url: 'x', preset: 'nope' }, 'invalid_field'],
    [{ url: 1 }, 'invalid_field'],
  ])('of a wrong body is refused (%#)', async (body, code) => {
    const { status, json } = await api.post('/destinations/lint', body)
    expect([status, json.error.code]).toEqual([400, code])
  })
})

describe('import', () => {
  test('of many rows lets others be served between them', async () => {
    const { affiliate } = await createNetwork(api)
    const rows = Array.from({ length: 300 }, (_, n) => ({
      affiliate_id: affiliate.id,
      external_id: `many-${n}`,
      url: KEITARO,
    }))
    const turns = countTurns()
    const { json } = await api.post('/destinations/import?dry_run=true', { data: rows })
    const counted = turns.stop()
    expect(json.created).toBe(rows.length)
    expect(counted).toBeGreaterThan(rows.length)
  })

  test("a row with another destination's external_id refuses itself only, in a dry run too", async () => {
    const { affiliate } = await createNetwork(api)
    const make = async (external_id: string) =>
      (await api.post('/destinations', { affiliate_id: affiliate.id, external_id, url: KEITARO })).json
    const mine = await make('mine-1')
    await make('taken-1')
    const data = [
      { affiliate_id: affiliate.id, external_id: 'fresh-1', url: KEITARO },
      { id: mine.id, external_id: 'taken-1' },
    ]
    for (const path of ['/destinations/import?dry_run=true', '/destinations/import']) {
      const { status, json } = await api.post(path, { data })
      expect([status, json.created, json.refused]).toEqual([200, 1, 1])
      expect(json.rows[1].error.code).toBe('external_id_taken')
    }
  })

  test('a CSV with the URL of one status keeps those of the others', async () => {
    const { affiliate } = await createNetwork(api)
    const url_by_status = { rejected: `${KEITARO}&no=1` }
    const body = { affiliate_id: affiliate.id, url: KEITARO, url_by_status }
    const { id } = (await api.post('/destinations', body)).json
    await post(
      '/destinations/import',
      'text/csv',
      `id,url_pending,url_rejected\r\n${id},"${KEITARO}&wait=1",\r\n`,
    )
    expect((await api.get(`/destinations/${id}`)).json.url_by_status).toEqual({
      rejected: expect.stringContaining('no=1'),
      pending: expect.stringContaining('wait=1'),
    })
  })

  test('a CSV cell of endless JSON refuses its row only', async () => {
    const { affiliate } = await createNetwork(api)
    const csv = [
      'affiliate_id,url,headers',
      `${affiliate.id},${KEITARO},${'['.repeat(100_000)}${']'.repeat(100_000)}`,
      `${affiliate.id},${KEITARO},"{""__proto__"":""x""}"`,
      `${affiliate.id},${KEITARO},`,
    ].join('\r\n')
    const { status, json } = await post('/destinations/import?dry_run=true', 'text/csv', csv)
    expect([status, json.created, json.refused]).toEqual([200, 1, 2])
    expect(json.rows[0].error).toMatchObject({ code: 'invalid_field', field: 'headers' })
  })

  test('creates, changes and refuses row by row, and says why', async () => {
    const { affiliate, offer } = await createNetwork(api)
    const old = await api.post('/destinations', {
      affiliate_id: affiliate.id,
      external_id: 'old-1',
      url: KEITARO,
      secrets: { KEY: 'hidden' },
      headers: { 'x-key': '{secret:KEY}' },
    })
    const csv = [
      'external_id,affiliate_id,url,statuses,offer_ids,headers',
      `new-1,${affiliate.id},${KEITARO},approved|pending,${offer.id},"{""x-a"":""{event}""}"`,
      `old-1,${affiliate.id},${KEITARO}&tid={transaction_id},,,`,
      `bad-1,${affiliate.id},ftp://trk.shop-partner.com/?subid=1,,,`,
      `bad-2,nobody,${KEITARO},,,`,
      `bad-3,${affiliate.id},${KEITARO},sold,,`,
    ].join('\r\n')
    const { status, json } = await post('/destinations/import', 'text/csv', csv)
    expect(status).toBe(200)
    expect(json).toMatchObject({ dry_run: false, created: 1, updated: 1, refused: 3 })
    expect(json.rows.map((row: { result: string }) => row.result)).toEqual([
      'created',
      'updated',
      'refused',
      'refused',
      'refused',
    ])
    expect(json.rows[0]).toMatchObject({ row: 1, preset: 'keitaro', external_id: 'new-1' })
    expect(json.rows[2].findings[0].severity).toBe('error')
    expect(json.rows[3].error).toMatchObject({ code: 'unknown_affiliate', field: 'affiliate_id' })
    expect(json.rows[4].error).toMatchObject({ code: 'invalid_field', field: 'statuses.0' })
    const created = (await api.get('/destinations/new-1')).json
    expect(created).toMatchObject({
      statuses: ['approved', 'pending'],
      offer_ids: [offer.id],
      headers: { 'x-a': '{event}' },
    })
    const changed = (await api.get(`/destinations/${old.json.id}`)).json
    expect(changed.url).toContain('tid=')
    expect(changed).toMatchObject({
      secrets: { KEY: true },
      headers: { 'x-key': '{secret:KEY}' },
      version: 2,
    })
  })

  test('as a dry run says the same and stores nothing', async () => {
    const { affiliate } = await createNetwork(api)
    const data = [
      { affiliate_id: affiliate.id, external_id: 'dry-1', url: KEITARO },
      { affiliate_id: affiliate.id, url: 'ftp://x' },
      'no object',
      { affiliate_id: affiliate.id, external_id: 'dry-1', url: KEITARO },
    ]
    const dry = await api.post('/destinations/import?dry_run=true', { data })
    expect(dry.json).toMatchObject({ dry_run: true, created: 1, updated: 0, refused: 3 })
    expect(dry.json.rows[3].error.message).toContain('An earlier row')
    expect(dry.json.rows[0].id).toBeUndefined()
    expect((await api.get('/destinations/dry-1')).status).toBe(404)
  })

  test.each<[string, string, string, number, string]>([
    ['no rows', 'application/json', '{"data":[]}', 400, 'invalid_field'],
    ['no list', 'application/json', '{}', 400, 'missing_field'],
    [
      'over 1,000 rows',
      'application/json',
      JSON.stringify({ data: Array(1001).fill({}) }),
      400,
      'invalid_field',
    ],
    ['over 1,000 lines', 'text/csv', `name\r\n${'a\r\n'.repeat(1001)}`, 400, 'invalid_field'],
    ['an unknown column', 'text/csv', 'nope\r\na', 400, 'unknown_field'],
    ['another type', 'text/plain', 'name\r\na', 415, 'unsupported_media_type'],
  ])('of %s is refused', async (_, contentType, payload, status, code) => {
    const answer = await post('/destinations/import', contentType, payload)
    expect([answer.status, answer.json.error.code]).toEqual([status, code])
  })
})

describe('export', () => {
  test.each(['json', 'csv'])('as %s comes back as an import that changes nothing', async (format) => {
    const { affiliate, offer } = await createNetwork(api)
    const made = await api.post('/destinations', {
      affiliate_id: affiliate.id,
      name: '=cmd|x',
      url: KEITARO,
      url_by_status: { rejected: `${KEITARO}&r=1` },
      offer_ids: [offer.id],
      events: ['sale'],
      headers: { 'x-key': '{secret:KEY}' },
      secrets: { KEY: 'hidden' },
      success: { body_contains: 'OK' },
      retry: { schedule: ['5s', '1h'] },
    })
    expect(made.status).toBe(201)
    const exported = await api.get(`/destinations/export?format=${format}&affiliate_id=${affiliate.id}`)
    expect(exported.text).not.toContain('hidden')
    if (format === 'csv') expect(exported.headers['content-type']).toContain('text/csv')
    const type = format === 'csv' ? 'text/csv' : 'application/json'
    const back = await post('/destinations/import', type, exported.text)
    expect(back.json).toMatchObject({ created: 0, updated: 1, refused: 0 })
    const after = (await api.get(`/destinations/${made.json.id}`)).json
    expect(after.version).toBe(1)
    expect(after).toMatchObject({ name: '=cmd|x', retry: { schedule: ['5s', '1h'] }, secrets: { KEY: true } })
  })

  test('holds every destination that is not archived, once', async () => {
    const { affiliate } = await createNetwork(api)
    const rows = Array.from({ length: 501 }, (_, at) => ({
      affiliate_id: affiliate.id,
      external_id: `many-${at}`,
      url: `${KEITARO}&sub_id_1=${at}`,
    }))
    expect((await api.post('/destinations/import', { data: rows })).json.created).toBe(501)
    await api.delete('/destinations/many-0')
    const { json } = await api.get(`/destinations/export?affiliate_id=${affiliate.id}`)
    const ids = json.data.map((row: { external_id: string }) => row.external_id)
    expect(new Set(ids).size).toBe(500)
    expect(ids).not.toContain('many-0')
  })
})

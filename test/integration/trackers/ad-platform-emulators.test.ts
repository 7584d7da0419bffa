import { createHash } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import type { AdPlatform } from '../../support/trackers/ad-platform.ts'
import { startGa4 } from '../../support/trackers/ga4.ts'
import { startMeta } from '../../support/trackers/meta.ts'
import { startTiktok } from '../../support/trackers/tiktok.ts'

const open: AdPlatform[] = []
afterEach(async () => {
  for (const platform of open.splice(0)) await platform.close()
})
const keep = async (starting: Promise<AdPlatform>): Promise<AdPlatform> => {
  const platform = await starting
  open.push(platform)
  return platform
}

const seconds = (hoursAgo = 0): number => Math.floor(Date.now() / 1000) - hoursAgo * 3600

async function post(url: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  const text = await response.text()
  return { status: response.status, json: text.startsWith('{') ? JSON.parse(text) : null }
}

describe('Meta', () => {
  const path = '/v23.0/1234567890/events?access_token=meta-token'
  const event = (fields: object = {}) => ({
    event_name: 'Purchase',
    event_time: seconds(),
    event_id: 'dlv_1',
    action_source: 'website',
    user_data: { em: [createHash('sha256').update('a@example.com').digest('hex')] },
    ...fields,
  })
  const send = (meta: AdPlatform, data: unknown[]) => post(meta.url + path, { data })

  test('takes an event once within 48 hours, also as a form', async () => {
    const meta = await keep(startMeta())
    expect(await send(meta, [event()])).toMatchObject({ status: 200, json: { events_received: 1 } })
    const form = new URLSearchParams({ data: JSON.stringify([event()]) }).toString()
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    expect(await post(meta.url + path, form, headers)).toMatchObject({ json: { events_received: 1 } })
    expect(meta.events).toMatchObject([{ name: 'Purchase', id: 'dlv_1' }])
  })

  test.each([
    ['without a name', { event_name: undefined }],
    ['without a time', { event_time: undefined }],
    ['with a time as text', { event_time: String(seconds()) }],
    ['without user data', { user_data: undefined }],
    ['without action_source', { action_source: undefined }],
    ['older than 7 days', { event_time: seconds(7 * 24 + 1) }],
  ])('refuses the whole request for an event %s', async (_, fields) => {
    const meta = await keep(startMeta())
    expect((await send(meta, [event({ event_id: 'good' }), event(fields)])).status).toBe(400)
    expect(meta.events).toEqual([])
  })

  test('refuses another token, and loses milliseconds without a word', async () => {
    const meta = await keep(startMeta())
    const wrong = await post(`${meta.url}/v23.0/1234567890/events?access_token=no`, { data: [event()] })
    expect(wrong.status).toBe(400)
    expect(await send(meta, [event({ event_time: Date.now() })])).toMatchObject({ status: 200 })
    expect([meta.events.length, meta.lost.length]).toEqual([0, 1])
  })
})

describe('TikTok', () => {
  const body = (event: object = {}, more: object = {}) => ({
    event_source: 'web',
    event_source_id: 'PIXEL',
    data: [{ event: 'CompletePayment', event_time: seconds(), event_id: 'dlv_1', user: {}, ...event }],
    ...more,
  })
  const send = (tiktok: AdPlatform, sent: unknown, token = 'tiktok-token') =>
    post(`${tiktok.url}/open_api/v1.3/event/track/`, sent, { 'access-token': token })

  test('takes an event once, with code 0', async () => {
    const tiktok = await keep(startTiktok())
    for (let time = 0; time < 2; time++)
      expect(await send(tiktok, body())).toMatchObject({ status: 200, json: { code: 0 } })
    expect(tiktok.events).toHaveLength(1)
  })

  test.each([
    ['another pixel', body({}, { event_source_id: 'X' })],
    ['no event name', body({ event: '' })],
    ['milliseconds', body({ event_time: Date.now() })],
    ['a value as text', body({ properties: { value: '1.5' } })],
    ['no data', body({}, { data: [] })],
    ['no JSON', '{"event_source":'],
  ])('answers 200 with another code for %s', async (_, sent) => {
    const tiktok = await keep(startTiktok())
    const { status, json } = await send(tiktok, sent)
    expect([status, json.code === 0]).toEqual([200, false])
    expect(tiktok.events).toEqual([])
  })

  test('answers 200 with another code for another token, and does not count test events', async () => {
    const tiktok = await keep(startTiktok())
    expect((await send(tiktok, body(), 'no')).json.code).not.toBe(0)
    expect((await send(tiktok, body({}, { test_event_code: 'T1' }))).json.code).toBe(0)
    expect(tiktok.events).toEqual([])
  })
})

describe('GA4', () => {
  const path = '/mp/collect?measurement_id=G-TEST&api_secret=ga4-secret'
  const body = (more: object = {}) => ({
    client_id: '1.2',
    events: [{ name: 'purchase', params: { transaction_id: 't1', value: 1 } }],
    ...more,
  })

  test('takes a purchase once', async () => {
    const ga4 = await keep(startGa4())
    for (let time = 0; time < 2; time++) expect((await post(ga4.url + path, body())).status).toBe(204)
    expect(ga4.events).toMatchObject([{ name: 'purchase', id: 't1' }])
    expect(ga4.lost).toEqual([])
  })

  test.each([
    ['another secret', '/mp/collect?measurement_id=G-TEST&api_secret=no', body()],
    ['no client id', path, body({ client_id: '' })],
    ['no events', path, body({ events: [] })],
    ['no JSON', path, '{'],
    ['over 72 hours', path, body({ timestamp_micros: seconds(73) * 1_000_000 })],
  ])('loses it without a word: %s', async (_, to, sent) => {
    const ga4 = await keep(startGa4())
    expect((await post(ga4.url + to, sent)).status).toBe(204)
    expect([ga4.events.length, ga4.lost.length]).toEqual([0, 1])
  })

  test('says what is wrong where it is asked to', async () => {
    const ga4 = await keep(startGa4())
    const asked = `${ga4.url}/debug${path}`
    expect((await post(asked, body())).json).toEqual({ validationMessages: [] })
    expect((await post(asked, body({ client_id: '' }))).json.validationMessages).toHaveLength(1)
    expect(ga4.events).toEqual([])
  })
})

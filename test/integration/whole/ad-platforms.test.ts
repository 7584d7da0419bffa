import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import type { AdPlatform } from '../../support/trackers/ad-platform.ts'
import { startGa4 } from '../../support/trackers/ga4.ts'
import { startMeta } from '../../support/trackers/meta.ts'
import { startTiktok } from '../../support/trackers/tiktok.ts'
import { type Network, startWholeRelay, type WholeRelay } from '../../support/whole-relay.ts'

let relay: WholeRelay
let meta: AdPlatform
let tiktok: AdPlatform
let ga4: AdPlatform
beforeAll(async () => {
  relay = await startWholeRelay()
  meta = await startMeta()
  tiktok = await startTiktok()
  ga4 = await startGa4()
})
afterAll(async () => {
  await relay.close()
  await Promise.all([meta.close(), tiktok.close(), ga4.close()])
})

const STATUSES = ['approved', 'rejected']
const SHARED = ['email', 'fbclid', 'ttclid', 'client_id', 'user_agent']
const HOUR_MS = 3_600_000
const ago = (hours: number): string => new Date(Date.now() - hours * HOUR_MS).toISOString()
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

const DEFINITIONS = {
  meta_capi: () => ({
    url: `${meta.url}/v23.0/1234567890/events?access_token={secret:ACCESS_TOKEN}`,
    secrets: { ACCESS_TOKEN: 'meta-token' },
  }),
  tiktok_events: () => ({
    url: `${tiktok.url}/open_api/v1.3/event/track/`,
    secrets: { ACCESS_TOKEN: 'tiktok-token', PIXEL_CODE: 'PIXEL' },
  }),
  ga4: () => ({
    url: `${ga4.url}/mp/collect?measurement_id=G-TEST&api_secret={secret:API_SECRET}`,
    secrets: { API_SECRET: 'ga4-secret' },
  }),
}
const PLATFORMS = { meta_capi: () => meta, tiktok_events: () => tiktok, ga4: () => ga4 }
type Name = keyof typeof DEFINITIONS
const NAMES = Object.keys(DEFINITIONS) as Name[]

let clicks = 0

/** A click through the affiliate's tracker, and its destination. */
async function prepare(name: Name, own: object = {}) {
  const network = await relay.network({ shared: SHARED })
  const destination = await relay.destination(network, {
    preset: name,
    statuses: STATUSES,
    ...DEFINITIONS[name](),
    ...own,
  })
  const clickId = `click-${++clicks}`
  await relay.post('/v1/clicks', {
    click_id: clickId,
    affiliate_id: network.affiliateId,
    offer_id: network.offerId,
    affiliate_click_id: `own-${clickId}`,
    params: { fbclid: 'Fb1', ttclid: 'Tt1', client_id: '11.22' },
    user_agent: 'Mozilla/5.0',
    clicked_at: ago(24 * 20),
  })
  return { network, destination, clickId }
}

async function report(network: Network, said: Record<string, string>) {
  const { conversion_id } = await relay.get(`/postback/${network.token}?${new URLSearchParams(said)}`)
  return relay.settled(conversion_id)
}

describe.each(NAMES)('%s', (name) => {
  const platform = () => PLATFORMS[name]()

  test('takes the event, once, however often it is sent', async () => {
    const { network, clickId } = await prepare(name)
    const before = platform().events.length
    const said = {
      click_id: clickId,
      transaction_id: `o-${clickId}`,
      event: 'sale',
      payout: '12.5',
      email: ' A@B.de',
    }
    const [delivery] = await report(network, said)
    expect(delivery).toMatchObject({ state: 'delivered', last: { verdict: 'delivered' } })
    await relay.post(`/v1/deliveries/${delivery?.id}/replay`, {})
    await eventually(async () => {
      const again = await relay.get(`/v1/deliveries/${delivery?.id}`)
      expect(again).toMatchObject({ state: 'delivered', attempts_count: 2 })
    })
    expect(platform().lost).toEqual([])
    expect(platform().events.length).toBe(before + 1)
    const sent = JSON.stringify(platform().events.at(-1)?.sent)
    expect(sent).not.toContain('A@B')
    if (name !== 'ga4') expect(sent).toContain(sha256('a@b.de'))
  })

  test('takes the event of a click that only the platform has an id for', async () => {
    const { network } = await prepare(name)
    const clickId = `click-${++clicks}`
    await relay.post('/v1/clicks', {
      click_id: clickId,
      affiliate_id: network.affiliateId,
      offer_id: network.offerId,
      params: { fbclid: 'Fb2', ttclid: 'Tt2', client_id: '33.44' },
    })
    const [delivery] = await report(network, { click_id: clickId, event: 'sale', payout: '12.5' })
    expect(delivery).toMatchObject({ state: 'delivered', reason: null })
  })

  test('with a wrong secret is not delivered, unless it never says so', async () => {
    const wrong = { secrets: { ACCESS_TOKEN: 'x', PIXEL_CODE: 'PIXEL', API_SECRET: 'x' } }
    const { network, clickId } = await prepare(name, wrong)
    const [delivery] = await report(network, { click_id: clickId, payout: '1' })
    const stored = await relay.get(`/v1/deliveries/${delivery?.id}`)
    expect(stored.state).toBe(name === 'ga4' ? 'delivered' : 'refused')
    expect(stored.confirmation).toBe(name === 'ga4' ? 'none' : undefined)
    expect(JSON.stringify(stored)).not.toContain('"x"')
  })

  test('is not told of a rejection, except as the event that it has for it', async () => {
    const { network, clickId } = await prepare(name)
    const said = { click_id: clickId, transaction_id: `r-${clickId}`, event: 'sale', payout: '5' }
    await report(network, said)
    const deliveries = await report(network, { ...said, status: 'rejected' })
    if (name === 'ga4') {
      expect(deliveries.map(({ state }) => state)).toEqual(['delivered', 'delivered'])
      expect(ga4.events.slice(-2).map(({ name, id }) => [name, id])).toEqual([
        ['purchase', `r-${clickId}`],
        ['refund', `r-${clickId}`],
      ])
    } else
      expect(deliveries.map(({ state, reason }) => [state, reason])).toEqual([
        ['delivered', null],
        ['skipped', 'tracker_cannot_reverse'],
      ])
  })
})

describe('an event that is too old', () => {
  test.each<[Name, number]>([
    ['meta_capi', 7 * 24],
    ['ga4', 72],
  ])('is not sent to %s, which takes %i hours', async (name, max) => {
    const { network, clickId } = await prepare(name)
    const calls = PLATFORMS[name]().receiver.received.length
    const said = (id: string, hours: number) => ({
      click_id: clickId,
      transaction_id: `${id}-${clickId}`,
      occurred_at: ago(hours),
    })
    const [old] = await report(network, said('old', max + 1))
    expect(old).toMatchObject({ state: 'skipped', reason: 'event_too_old', attempts_count: 0 })
    expect(PLATFORMS[name]().receiver.received.length).toBe(calls)
    const [young] = await report(network, said('young', max - 1))
    expect(young).toMatchObject({ state: 'delivered' })
    const replay = await relay.call('POST', `/v1/deliveries/${old?.id}/replay`, {})
    expect([replay.status, replay.json.error.code, replay.json.error.reason]).toEqual([
      409,
      'still_skipped',
      'event_too_old',
    ])
  })

  test('is looked at again when it is sent: one that waited too long is skipped', async () => {
    const { network, clickId, destination } = await prepare('ga4')
    await relay.post(`/v1/destinations/${destination.id}/pause`, {})
    const { conversion_id } = await relay.get(
      `/postback/${network.token}?${new URLSearchParams({ click_id: clickId, occurred_at: ago(71.9) })}`,
    )
    const [held] = await relay.deliveries({ conversion_id })
    expect(held).toMatchObject({ state: 'held' })
    const earlier = new Date(Date.now() - 73 * HOUR_MS)
    await relay.ctx.db.reads.query({
      text: 'update revisions set occurred_at = $1',
      values: [earlier],
    })
    await relay.post(`/v1/destinations/${destination.id}/resume`, {})
    const [skipped] = await relay.settled(conversion_id)
    expect(skipped).toMatchObject({ state: 'skipped', reason: 'event_too_old', attempts_count: 0 })
    const trace = await relay.get(`/v1/trace?id=${skipped?.id}`)
    expect(trace.verdict.sentence).toContain('longer ago than this receiver takes events')
    const ledger = await relay.get('/v1/ledger')
    expect(ledger.unaccounted).toBe(0)
  })
})

test('Google Data Manager is not built yet', async () => {
  const network = await relay.network()
  const answer = await relay.call('POST', '/v1/destinations', {
    affiliate_id: network.affiliateId,
    preset: 'google_data_manager',
    url: 'https://datamanager.googleapis.com/v1/events:ingest',
  })
  expect([answer.status, answer.json.error.code, answer.json.error.field]).toEqual([
    400,
    'not_available',
    'preset',
  ])
})

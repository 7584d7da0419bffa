import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ADVERTISER_CALLS } from '../../support/advertiser-calls.ts'
import { type Receiver, startReceiver } from '../../support/receiver.ts'
import { startWholeRelay, type WholeRelay } from '../../support/whole-relay.ts'

let relay: WholeRelay
let tracker: Receiver
beforeAll(async () => {
  relay = await startWholeRelay()
  tracker = await startReceiver({ replies: { status: 200, body: 'OK' } })
})
afterAll(async () => {
  await relay.close()
  await tracker.close()
})

const URL_OF_ALL = '?clickid={clickid}&txid={transaction_id}&event={event}&status={status}&payout={payout}'

/** The next call that the tracker gets. */
async function nextCall(
  act: () => Promise<unknown>,
): Promise<{ path: string; query: Record<string, string> }> {
  const before = tracker.received.length
  await act()
  const call = (await tracker.waitFor(before + 1)).at(before)
  return { path: call?.url.split('?')[0] ?? '', query: Object.fromEntries(call?.query ?? []) }
}

describe('a call as the platform documents it reaches the tracker under the affiliate click id', () => {
  test.each(ADVERTISER_CALLS.map((call, index) => [call.platform, index, call] as const))(
    '%s',
    async (_, index, call) => {
      const network = await relay.network()
      await relay.patch(`/v1/advertisers/${network.advertiserId}`, {
        param_map: call.paramMap,
        status_map: call.statusMap,
      })
      const { clickId, transactionId, status, event, payout } = call.reports
      await relay.destination(network, {
        // A tracker that wants a click id is not called without one.
        url: `${tracker.url}/platform-${index}${clickId ? URL_OF_ALL : URL_OF_ALL.replace('clickid={clickid}&', '')}`,
        preset: 'plain',
        statuses: ['pending', 'approved', 'rejected'],
      })
      const ids = {
        affiliate_id: network.affiliateId,
        offer_id: network.offerId,
        affiliate_click_id: `tracker-click-${index}`,
      }
      // Each network has clicks of its own, and the documented calls share one example.
      const ownClick = `${clickId}${index}`
      if (!clickId) {
        await relay.patch(`/v1/offers/${network.offerId}`, { external_id: call.reports.offerId })
        await relay.patch(`/v1/affiliates/${network.affiliateId}`, { external_id: call.reports.affiliateId })
      }
      if (clickId) await relay.post('/v1/clicks', { click_id: ownClick, ...ids })
      const query = call.query.replaceAll(String(clickId), ownClick)
      const body = call.body && { ...call.body, text: call.body.text.replaceAll(String(clickId), ownClick) }
      const { path, query: heard } = await nextCall(() =>
        fetch(`${relay.url}/postback/${network.token}?${query}`, {
          method: body ? 'POST' : 'GET',
          ...(body && { headers: { 'content-type': body.contentType }, body: body.text }),
        }).then(async (answer) => expect(`${answer.status} ${await answer.text()}`).toMatch(/^200 /)),
      )
      expect(path).toBe(`/platform-${index}`)
      expect(heard.clickid).toBe(clickId ? `tracker-click-${index}` : undefined)
      expect(heard.status).toBe(status ?? 'approved')
      expect(heard.event).toBe(event ?? 'conversion')
      expect(Number(heard.payout || 0)).toBe(Number(payout ?? 0))
      if (transactionId && transactionId !== clickId) expect(heard.txid).toBe(transactionId)
    },
  )
})

test("a click through the affiliate's link ties the conversion to the tracker's click id and sub ids", async () => {
  const network = await relay.network({
    landing_url: 'https://shop.example/?ref={network_click_id}&s={sub1}',
  })
  await relay.destination(network, {
    url: `${tracker.url}/link?cid={clickid}&sub={sub1}&sum={payout}`,
    preset: 'plain',
  })
  const link = `${relay.url}/click?offer_id=${network.offerId}&affiliate_id=${network.affiliateId}&clickid=trk-77&sub1=caf%C3%A9%20%26`
  const answer = await fetch(link, { redirect: 'manual' })
  expect(answer.status).toBe(302)
  const landing = new URL(answer.headers.get('location') ?? '')
  expect(landing.searchParams.get('s')).toBe('café &')
  const { query } = await nextCall(() =>
    relay.get(`/postback/${network.token}?click_id=${landing.searchParams.get('ref')}&payout=3`),
  )
  expect(query).toEqual({ cid: 'trk-77', sub: 'café &', sum: '3.00' })
})

test('a network with its own redirect reports affiliate, offer and the affiliate click id', async () => {
  const network = await relay.network()
  await relay.destination(network, { url: `${tracker.url}/own?cid={clickid}`, preset: 'plain' })
  const report = {
    affiliate_id: network.affiliateId,
    offer_id: network.offerId,
    aff_click_id: 'own-1',
    txid: 'o-1',
    payout: '1',
  }
  const { query } = await nextCall(() =>
    relay.get(`/postback/${network.token}?${new URLSearchParams(report)}`),
  )
  expect(query).toEqual({ cid: 'own-1' })
})

test('the classic: ?clickid&payout&status comes out as the same call under the click id of the affiliate', async () => {
  const network = await relay.network()
  await relay.destination(network, {
    url: `${tracker.url}/postback?clickid={clickid}&payout={payout}&status={status}`,
  })
  await relay.post('/v1/clicks', {
    click_id: 'classic-1',
    affiliate_id: network.affiliateId,
    offer_id: network.offerId,
    affiliate_click_id: 'their-1',
  })
  const before = tracker.received.length
  await relay.get(`/postback/${network.token}?clickid=classic-1&payout=12.50&status=approved`)
  const call = (await tracker.waitFor(before + 1)).at(before)
  expect(call?.url).toBe('/postback?clickid=their-1&payout=12.50&status=approved')
})

test('a parked conversion goes out by itself when the click arrives', async () => {
  const network = await relay.network()
  await relay.destination(network, {
    url: `${tracker.url}/parked?cid={clickid}&sum={payout}`,
    preset: 'plain',
  })
  const parked = await relay.get(`/postback/${network.token}?clickid=later-1&payout=2`)
  expect(parked).toMatchObject({ result: 'parked', reason: 'unknown_click' })
  const { query } = await nextCall(() =>
    relay.post('/v1/clicks', {
      click_id: 'later-1',
      affiliate_id: network.affiliateId,
      offer_id: network.offerId,
      affiliate_click_id: 'their-2',
    }),
  )
  expect(query).toEqual({ cid: 'their-2', sum: '2.00' })
})

test('pending, approved, rejected and an amount reach the tracker in this order, each once', async () => {
  const network = await relay.network()
  await relay.destination(network, {
    url: `${tracker.url}/story?s={status}&was={previous_status}&due={payout_due}&delta={payout_delta}&cid={clickid}`,
    preset: 'plain',
    statuses: ['pending', 'approved', 'rejected'],
    changes: ['status', 'amount'],
  })
  const base = {
    affiliate_id: network.affiliateId,
    offer_id: network.offerId,
    aff_click_id: 'story-1',
    txid: 'story',
    payout: '5',
  }
  const told: string[] = []
  for (const change of [
    { status: 'pending' },
    { status: 'approved' },
    { status: 'approved', payout: '7.5' },
    { status: 'rejected' },
  ]) {
    const { query } = await nextCall(() =>
      relay.get(`/postback/${network.token}?${new URLSearchParams({ ...base, ...change })}`),
    )
    told.push(`${query.s} was ${query.was || '-'} due ${query.due} delta ${query.delta}`)
  }
  expect(told).toEqual([
    'pending was - due 0.00 delta 0.00',
    'approved was pending due 5.00 delta 5.00',
    'approved was approved due 7.50 delta 2.50',
    'rejected was approved due 0.00 delta -7.50',
  ])
  expect(await relay.get('/v1/ledger')).toMatchObject({ unaccounted: 0 })
})

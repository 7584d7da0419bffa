import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startReceiver } from '../../support/receiver.ts'
import type { AdPlatform } from '../../support/trackers/ad-platform.ts'
import { type Binom, startBinom } from '../../support/trackers/binom.ts'
import { startGa4 } from '../../support/trackers/ga4.ts'
import { startKeitaro } from '../../support/trackers/keitaro.ts'
import { startTiktok } from '../../support/trackers/tiktok.ts'
import type { Tracker } from '../../support/trackers/tracker.ts'
import { startWholeRelay, type WholeRelay } from '../../support/whole-relay.ts'

let relay: WholeRelay
let keitaro: Tracker & { key: string }
let binom: Binom
let ga4: AdPlatform
let tiktok: AdPlatform
beforeAll(async () => {
  relay = await startWholeRelay()
  keitaro = await startKeitaro()
  binom = await startBinom({ version: 2 })
  ga4 = await startGa4()
  tiktok = await startTiktok()
})
afterAll(async () => {
  await relay.close()
  await Promise.all([keitaro.close(), binom.close(), ga4.close(), tiktok.close()])
})

const keitaroUrl = () =>
  `${keitaro.url}/${keitaro.key}/postback?subid={clickid}&tid={transaction_id}&status={status|map:approved=sale}&payout={payout}`

async function keitaroDestination(own: object = {}) {
  const network = await relay.network()
  const destination = await relay.destination(network, { preset: 'keitaro', url: keitaroUrl(), ...own })
  return { network, destination, test: `/v1/destinations/${destination.id}/test` }
}

describe('a test fire', () => {
  test('with a click id of the tracker is counted there under a test transaction, and told as the attempt', async () => {
    const { test, destination } = await keitaroDestination()
    const subid = keitaro.newClick()
    const fired = await relay.post(test, { affiliate_click_id: subid, event: 'sale', payout: '7.5' })
    expect(fired).toMatchObject({
      verdict: 'delivered',
      test: true,
      affiliate_click_id: subid,
      transaction_id: expect.stringMatching(/^test-[0-9a-f]{12}$/),
      request: { method: 'GET', url: expect.stringContaining(`subid=${subid}`) },
      response: { status: 200 },
      timings_ms: { total: expect.any(Number) },
      remote_ip: '127.0.0.1',
      curl: expect.stringContaining('curl'),
    })
    expect(fired.meaning).toContain(fired.transaction_id)
    expect(keitaro.conversions().at(-1)).toMatchObject({
      clickId: subid,
      transactionId: fired.transaction_id,
      payout: 7.5,
    })
    const stored = await relay.get(`/v1/deliveries/${fired.delivery_id}`)
    expect(stored).toMatchObject({
      test: true,
      state: 'delivered',
      destination_id: destination.id,
      transaction_id: fired.transaction_id,
      affiliate_click_id: subid,
      event: 'sale',
      attempts_count: 1,
    })
  })

  test('with a made-up click id says that a tracker refuses that', async () => {
    const { test } = await keitaroDestination()
    const fired = await relay.post(test, {})
    expect(fired.verdict).toBe('refused')
    expect(fired.meaning).toMatch(/Keitaro refused the test .* made-up click id, so the address works/)
  })

  test('where the tracker answers nothing says that a made-up click id proves the address only', async () => {
    const network = await relay.network()
    const url = `${binom.url}/click?cnv_id={clickid}&payout={payout}&cnv_status={status}`
    const destination = await relay.destination(network, { preset: 'binom_v2', url })
    const fired = await relay.post(`/v1/destinations/${destination.id}/test`, {})
    expect(fired.verdict).toBe('delivered')
    expect(fired.request.url).toContain('&disable_postback=1')
    expect(fired.marks).toEqual(['disable_postback=1'])
    const known = binom.newClick()
    await relay.post(`/v1/destinations/${destination.id}/test`, { affiliate_click_id: known })
    expect(binom.conversions().map(({ clickId }) => clickId)).toEqual([known])
    expect(binom.passedOn).toEqual([])
    expect(fired.meaning).toMatch(/refuses or ignores a click id that it never gave out/)
  })

  test('that was made up is found by a trace of its delivery', async () => {
    const { test, destination } = await keitaroDestination()
    const fired = await relay.post(test, { affiliate_click_id: keitaro.newClick() })
    const trace = await relay.get(`/v1/trace?id=${fired.delivery_id}`)
    expect(trace.verdict.code).toBe('delivered')
    expect(trace.deliveries).toMatchObject([
      { id: fired.delivery_id, destination_id: destination.id, test: true },
    ])
  })

  test('shows no secret that the receiver repeats', async () => {
    const echo = await startReceiver({
      replies: (call) => ({ status: 400, body: `no access for ${call.url}` }),
    })
    onTestFinished(() => echo.close())
    const destination = await relay.destination(await relay.network(), {
      url: `${echo.url}/{secret:KEY}?clickid={clickid}`,
      secrets: { KEY: 'key-of-the-tracker' },
    })
    const fired = await relay.post(`/v1/destinations/${destination.id}/test`, {})
    expect(JSON.stringify(fired)).not.toContain('key-of-the-tracker')
    expect(fired.meaning).toContain('no access for /{secret:KEY}?clickid=')
  })

  test('at GA4 asks the address that checks, and counts nothing', async () => {
    const network = await relay.network()
    const destination = await relay.destination(network, {
      preset: 'ga4',
      url: `${ga4.url}/mp/collect?measurement_id=G-TEST&api_secret={secret:API_SECRET}`,
      secrets: { API_SECRET: 'ga4-secret' },
    })
    const fired = await relay.post(`/v1/destinations/${destination.id}/test`, {})
    expect(fired.request.url).toContain('/debug/mp/collect?')
    expect(fired.verdict).toBe('delivered')
    expect(fired.meaning).toContain('counted nothing')
    expect(ga4.events).toEqual([])
    await relay.patch(`/v1/destinations/${destination.id}`, {
      body: '{"client_id":"{clickid}","events":[{"name":""}]}',
    })
    const wrong = await relay.post(`/v1/destinations/${destination.id}/test`, {})
    expect(wrong).toMatchObject({ verdict: 'refused', error: 'validation_failed' })
  })

  test('at TikTok is marked where the destination has a code for tests', async () => {
    const network = await relay.network()
    const destination = await relay.destination(network, {
      preset: 'tiktok_events',
      url: `${tiktok.url}/open_api/v1.3/event/track/`,
      secrets: { ACCESS_TOKEN: 'tiktok-token', PIXEL_CODE: 'PIXEL' },
    })
    const path = `/v1/destinations/${destination.id}/test`
    const unmarked = await relay.post(path, {})
    expect(unmarked.meaning).toContain('secret TEST_EVENT_CODE')
    expect(tiktok.events).toHaveLength(1)
    await relay.patch(`/v1/destinations/${destination.id}`, { secrets: { TEST_EVENT_CODE: 'TEST1' } })
    const marked = await relay.post(path, {})
    expect(marked).toMatchObject({ verdict: 'delivered', marks: ['test_event_code'] })
    expect(marked.meaning).toContain('counts nothing')
    expect(tiktok.events).toHaveLength(1)
    expect(JSON.stringify(marked)).not.toContain('TEST1')
  })

  test('is no conversion: the ledger, the rules and the health look past it', async () => {
    const { network, destination, test } = await keitaroDestination()
    const subid = keitaro.newClick()
    const before = await relay.get('/v1/ledger')
    const { conversion_id } = await relay.report(network, {
      affiliate_click_id: subid,
      transaction_id: 'real-1',
    })
    await relay.settled(conversion_id)
    const fired = await relay.post(test, { conversion_id })
    expect(fired.request.url).not.toContain('real-1')
    expect(fired.request.url).toContain(`subid=${subid}`)
    const after = await relay.get('/v1/ledger')
    expect(after.unaccounted).toBe(0)
    expect(after.deliveries.delivered).toBe(before.deliveries.delivered + 1)
    const conversion = await relay.get(`/v1/conversions/${conversion_id}`)
    expect(JSON.stringify(conversion)).not.toContain(fired.delivery_id)
    const health = (await relay.get(`/v1/destinations/${destination.id}`)).health
    expect(health.last_error).toBeNull()
    await relay.report(network, { affiliate_click_id: subid, transaction_id: 'real-1', status: 'rejected' })
    const again = await relay.settled(conversion_id)
    expect(again.filter(({ id }) => id !== fired.delivery_id).map(({ state }) => state)).toEqual([
      'delivered',
      'skipped',
    ])
  })

  test('is not sent again', async () => {
    const { test } = await keitaroDestination()
    const fired = await relay.post(test, {})
    const replay = await relay.call('POST', `/v1/deliveries/${fired.delivery_id}/replay`, {})
    expect([replay.status, replay.json.error.code]).toEqual([409, 'test_delivery'])
  })

  test('calls once for one Idempotency-Key', async () => {
    const { test } = await keitaroDestination()
    const before = keitaro.receiver.received.length
    const fire = async () => {
      const answer = await fetch(relay.url + test, {
        method: 'POST',
        headers: {
          authorization: 'Bearer an-admin-key-of-thirty-two-chars!',
          'content-type': 'application/json',
          'idempotency-key': 'fire-once',
        },
        body: '{}',
      })
      return (await answer.json()) as { delivery_id: string }
    }
    const first = await fire()
    expect((await fire()).delivery_id).toBe(first.delivery_id)
    expect(keitaro.receiver.received.length).toBe(before + 1)
  })

  test('calls once for one Idempotency-Key also where the quote of the answer would end in half a character', async () => {
    const body = `${'x'.repeat(119)}😀 and more`
    const receiver = await startReceiver({ replies: { status: 200, body } })
    const network = await relay.network()
    const url = `${receiver.url}/?c={clickid}`
    const destination = await relay.destination(network, { preset: 'plain', url })
    const fire = () =>
      fetch(`${relay.url}/v1/destinations/${destination.id}/test`, {
        method: 'POST',
        headers: {
          authorization: 'Bearer an-admin-key-of-thirty-two-chars!',
          'idempotency-key': 'fire-half',
        },
      })
    expect([(await fire()).status, (await fire()).status]).toEqual([200, 200])
    expect(receiver.received).toHaveLength(1)
    await receiver.close()
  })

  test('that reaches nobody says so', async () => {
    const { test } = await keitaroDestination({
      url: 'http://127.0.0.1:9/key/postback?subid={clickid}&status=sale',
    })
    const fired = await relay.post(test, {})
    expect(fired).toMatchObject({ verdict: 'retry', error: 'connect_failed', response: null })
    expect(fired.meaning).toContain('was not reached: no connection could be made')
    expect(await relay.get(`/v1/deliveries/${fired.delivery_id}`)).toMatchObject({
      state: 'failed',
      due_at: null,
    })
  })

  test.each<[string, object, number, string]>([
    ['an unknown conversion', { conversion_id: 'cnv_01h455vb4pex5vsknk084sn02q' }, 400, 'invalid_field'],
    ['an unknown offer', { offer_id: 'none' }, 400, 'unknown_offer'],
    ['no amount', { payout: '1e3' }, 400, 'invalid_field'],
    ['an unknown field', { click: 'x' }, 400, 'unknown_field'],
  ])('of %s is refused', async (_, body, status, code) => {
    const { test } = await keitaroDestination()
    const answer = await relay.call('POST', test, body)
    expect([answer.status, answer.json.error.code]).toEqual([status, code])
  })

  test('of an archived destination, or with a conversion of another affiliate, is refused', async () => {
    const { test, destination } = await keitaroDestination()
    const other = await relay.network()
    const { conversion_id } = await relay.report(other, {
      affiliate_click_id: 'x',
      transaction_id: 'of-other',
    })
    const foreign = await relay.call('POST', test, { conversion_id })
    expect([foreign.status, foreign.json.error.field]).toEqual([400, 'conversion_id'])
    await relay.call('DELETE', `/v1/destinations/${destination.id}`)
    const archived = await relay.call('POST', test, {})
    expect([archived.status, archived.json.error.code]).toEqual([409, 'archived'])
  })
})

describe('a preview', () => {
  test('shows the delivery of a conversion part by part, and sends nothing', async () => {
    const { network, destination } = await keitaroDestination({ statuses: ['approved'] })
    await relay.patch(`/v1/destinations/${destination.id}`, { url: `${keitaroUrl()}&sub_id_5={delivery_id}` })
    const { conversion_id } = await relay.report(network, {
      affiliate_click_id: keitaro.newClick(),
      transaction_id: 'seen',
      payout: '3',
    })
    const [delivery] = await relay.settled(conversion_id)
    const calls = keitaro.receiver.received.length
    const preview = await relay.get(
      `/v1/destinations/${destination.id}/preview?conversion_id=${conversion_id}`,
    )
    expect(preview.method).toBe('GET')
    expect(preview.url).toContain('tid=seen')
    expect(preview.parts).toContainEqual({
      parameter: 'payout',
      template: '{payout}',
      value: '3.00',
      source: 'conversion.payout',
    })
    expect(preview.parts).toContainEqual(
      expect.objectContaining({ parameter: 'sub_id_5', value: delivery?.id }),
    )
    await relay.patch(`/v1/destinations/${destination.id}`, { url: `${keitaroUrl()}&was={previous_status}` })
    const rejected = await relay.get(
      `/v1/destinations/${destination.id}/preview?conversion_id=${conversion_id}&status=rejected`,
    )
    expect(rejected.url).toContain('was=approved')
    expect(keitaro.receiver.received.length).toBe(calls)
  })

  test('needs no conversion', async () => {
    const { destination } = await keitaroDestination()
    const preview = await relay.get(
      `/v1/destinations/${destination.id}/preview?affiliate_click_id=abc&status=rejected`,
    )
    expect(preview.url).toContain('subid=abc')
    expect(preview.url).toContain('status=rejected')
  })
})

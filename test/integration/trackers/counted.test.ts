import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startBinom } from '../../support/trackers/binom.ts'
import { readCsvText } from '../../support/trackers/csv-text.ts'
import { startKeitaro } from '../../support/trackers/keitaro.ts'
import { startRedtrack } from '../../support/trackers/redtrack.ts'
import type { Tracker } from '../../support/trackers/tracker.ts'
import { startVoluum } from '../../support/trackers/voluum.ts'
import { type Network, startWholeRelay, type WholeRelay } from '../../support/whole-relay.ts'

let relay: WholeRelay
let network: Network
beforeAll(async () => {
  relay = await startWholeRelay()
})
afterAll(() => relay.close())

const trackers: Tracker[] = []
afterEach(async () => {
  for (const tracker of trackers.splice(0)) await tracker.close()
})
const keep = async <T extends Tracker>(starting: Promise<T>): Promise<T> => {
  const tracker = await starting
  trackers.push(tracker)
  network = await relay.network()
  return tracker
}

/** Reports a sale of 12.50 and waits for its deliveries. */
async function sell(tracker: Tracker, transactionId = 'T 1/2', more: Record<string, string> = {}) {
  const clickId = tracker.newClick()
  const { conversion_id } = await relay.report(network, {
    affiliate_click_id: clickId,
    transaction_id: transactionId,
    payout: '12.5',
    currency: 'USD',
    event: 'sale',
    status: 'approved',
    ...more,
  })
  return { clickId, deliveries: await relay.settled(conversion_id) }
}

const states = (deliveries: readonly { state: string }[]): string[] => deliveries.map((one) => one.state)

describe('a documented URL ends as a counted conversion', () => {
  test('at Voluum', async () => {
    const voluum = await keep(startVoluum({ types: ['sale'] }))
    const { findings } = await relay.destination(network, {
      url: `${voluum.url}/postback?cid={affiliate_click_id}&payout={payout}&txid={transaction_id}&currency={currency}&et={event}&param1={sub1}`,
    })
    expect(findings.filter(({ severity }: { severity: string }) => severity === 'error')).toEqual([])
    const { clickId, deliveries } = await sell(voluum)
    expect(states(deliveries)).toEqual(['delivered'])
    expect(voluum.conversions()).toMatchObject([
      { clickId, transactionId: 'T 1/2', payout: 12.5, currency: 'USD', type: 'sale' },
    ])
    expect(readCsvText(voluum.csv())).toMatchObject([
      { clickId, transactionId: 'T 1/2', revenue: '12.50', conversionType: 'sale' },
    ])
  })

  test.each([
    [1, '', '/click.php'],
    [1, '/track', '/track/click.php'],
    [2, '', '/click'],
  ] as const)('at Binom v%i in the folder "%s"', async (version, folder, path) => {
    const binom = await keep(startBinom({ version, folder }))
    await relay.destination(network, {
      url: `${binom.url}${path}?cnv_id={affiliate_click_id}&payout={payout_due}&cnv_status={status}&cnv_status2={event}&cnv_currency={currency}`,
    })
    const { clickId, deliveries } = await sell(binom)
    expect(states(deliveries)).toEqual(['delivered'])
    expect(binom.conversions()).toMatchObject([
      { clickId, payout: 12.5, status: 'approved', type: 'sale', currency: 'USD' },
    ])
    expect(binom.passedOn).toEqual([clickId])
    expect(readCsvText(binom.csv())).toMatchObject([{ Clickid: clickId, Payout: '12.50' }])
  })

  test('at Keitaro', async () => {
    const keitaro = await keep(startKeitaro({ rebills: true }))
    await relay.destination(network, {
      url: `${keitaro.url}/${keitaro.key}/postback?subid={affiliate_click_id}&status={status|map:approved=sale,pending=lead}&payout={payout}&currency={currency}&tid={transaction_id}`,
    })
    const { clickId, deliveries } = await sell(keitaro)
    expect(states(deliveries)).toEqual(['delivered'])
    expect(keitaro.conversions()).toMatchObject([
      { clickId, transactionId: 'T 1/2', status: 'sale', payout: 12.5 },
    ])
    expect(readCsvText(keitaro.csv())).toMatchObject([{ sub_id: clickId, status: 'sale', revenue: '12.50' }])
  })

  test('at RedTrack, whose types are compared with their case', async () => {
    const redtrack = await keep(startRedtrack({ types: ['Sale'] }))
    await relay.destination(network, {
      url: `${redtrack.url}/postback?clickid={affiliate_click_id}&sum={payout}&type={event|map:sale=Sale}&status={status|map:rejected=declined}&currency={currency}&rdtk_event_id={transaction_id}`,
    })
    const { clickId, deliveries } = await sell(redtrack)
    expect(states(deliveries)).toEqual(['delivered'])
    expect(redtrack.conversions()).toMatchObject([
      { clickId, transactionId: 'T 1/2', status: 'approved', type: 'Sale', payout: 12.5 },
    ])
    expect(readCsvText(redtrack.csv())).toMatchObject([{ clickid: clickId, type: 'Sale', payout: '12.50' }])
    const exported = await fetch(`${redtrack.url}/conversions`)
    expect(await exported.json()).toMatchObject({ total: 1, items: [{ clickid: clickId }] })
  })
})

describe('a replay does at the tracker what its preset says', () => {
  const replay = async (deliveryId: string): Promise<void> => {
    await relay.post(`/v1/deliveries/${deliveryId}/replay`, {})
  }
  const sellTwice = async (tracker: Tracker) => {
    const { deliveries } = await sell(tracker)
    const id = deliveries[0]?.id ?? ''
    await replay(id)
    await tracker.receiver.waitFor(2)
    return tracker.conversions().map((one) => one.payout)
  }

  test('Voluum and Keitaro count once', async () => {
    const voluum = await keep(startVoluum())
    await relay.destination(network, {
      url: `${voluum.url}/postback?cid={cid}&payout={payout}&txid={transaction_id}`,
    })
    expect(await sellTwice(voluum)).toEqual([12.5])
    const keitaro = await keep(startKeitaro())
    await relay.destination(network, {
      url: `${keitaro.url}/${keitaro.key}/postback?subid={cid}&status=sale&payout={payout}&tid={transaction_id}`,
    })
    expect(await sellTwice(keitaro)).toEqual([12.5])
  })

  test('Binom doubles the money where Upsell is on, and only there', async () => {
    const url = (base: string): string => `${base}/click?cnv_id={cid}&payout={payout_due}&cnv_status={status}`
    const updating = await keep(startBinom({ version: 2 }))
    await relay.destination(network, { url: url(updating.url) })
    expect(await sellTwice(updating)).toEqual([12.5])
    const adding = await keep(startBinom({ version: 2, upsell: true }))
    await relay.destination(network, { url: url(adding.url) })
    expect(await sellTwice(adding)).toEqual([25])
  })

  test.each([
    ['create', [12.5, 12.5]],
    ['ignore', [12.5]],
    ['edit', [12.5]],
    ['increment', [25]],
    ['ignore_by_event_id', [12.5]],
  ] as const)('RedTrack follows its duplicate setting: %s', async (duplicates, counted) => {
    const redtrack = await keep(startRedtrack({ duplicates }))
    await relay.destination(network, {
      url: `${redtrack.url}/postback?clickid={cid}&sum={payout}&rdtk_event_id={transaction_id}`,
    })
    expect(await sellTwice(redtrack)).toEqual(counted)
  })
})

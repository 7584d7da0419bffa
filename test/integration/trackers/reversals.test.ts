import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Receiver, startReceiver } from '../../support/receiver.ts'
import { startBinom } from '../../support/trackers/binom.ts'
import { readCsvText } from '../../support/trackers/csv-text.ts'
import { startKeitaro } from '../../support/trackers/keitaro.ts'
import { startRedtrack } from '../../support/trackers/redtrack.ts'
import { startVoluum } from '../../support/trackers/voluum.ts'
import { type Network, startWholeRelay, type WholeRelay } from '../../support/whole-relay.ts'

let relay: WholeRelay
let network: Network
beforeAll(async () => {
  relay = await startWholeRelay()
})
afterAll(() => relay.close())

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})
const keep = async <T extends { close(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
  const tracker = await starting
  open.push(tracker)
  network = await relay.network()
  return tracker
}

const ALL = ['pending', 'approved', 'rejected']

/** The same sale with each status in turn, each delivered before the next is reported. */
async function tell(clickId: string, statuses: readonly string[], transactionId = 't1') {
  let conversionId = ''
  let occurredAt = Date.now() - 3_600_000
  for (const status of statuses) {
    const said = {
      affiliate_click_id: clickId,
      transaction_id: transactionId,
      payout: '7.5',
      currency: 'EUR',
      event: 'sale',
      status,
      // A status that was there before is news only if it happened later.
      occurred_at: new Date(occurredAt++).toISOString(),
    }
    const answer = await relay.report(network, said)
    expect(answer.result).toBe('accepted')
    conversionId = answer.conversion_id
    await relay.settled(conversionId)
  }
  const deliveries = await relay.settled(conversionId)
  return deliveries.map((one) => [one.status, one.state, one.reason].filter(Boolean).join(' '))
}

const codes = (destination: { findings: { code: string }[] }): string[] =>
  destination.findings.map((finding) => finding.code)

describe('Keitaro', () => {
  const url =
    '/postback?subid={cid}&status={status|map:approved=sale,pending=lead}&payout={payout}&tid={transaction_id}'

  test('the same subid and tid go from lead to sale to rejected', async () => {
    const keitaro = await keep(startKeitaro({ otherTransitions: 'ignored' }))
    const destination = { preset: 'keitaro', url: `${keitaro.url}/${keitaro.key}${url}`, statuses: ALL }
    expect(codes(await relay.destination(network, destination))).not.toContain('reversal_parameter')
    const clickId = keitaro.newClick()
    expect(await tell(clickId, ['pending', 'approved', 'rejected'])).toEqual([
      'pending delivered',
      'approved delivered',
      'rejected delivered',
    ])
    expect(keitaro.conversions()).toMatchObject([
      { clickId, transactionId: 't1', status: 'rejected', previousStatus: 'sale' },
    ])
  })

  test.each([
    ['applied', 'sale'],
    ['ignored', 'rejected'],
  ] as const)('a sale again after the rejection is sent, and %s', async (otherTransitions, status) => {
    const keitaro = await keep(startKeitaro({ otherTransitions }))
    await relay.destination(network, { url: `${keitaro.url}/${keitaro.key}${url}`, statuses: ALL })
    await tell(keitaro.newClick(), ['approved', 'rejected', 'approved'])
    expect(keitaro.conversions()).toMatchObject([{ status }])
  })
})

describe('Binom', () => {
  const url = '?cnv_id={cid}&cnv_status={status}&payout={payout_due}'
  const statusScheme = [
    { word: 'approved', status: 'sale' },
    { word: 'rejected', status: 'reject' },
  ]

  test.each([
    [1, '/click.php', 'binom_v1'],
    [2, '/click', 'binom_v2'],
  ] as const)(
    'v%i: the same cnv_id with a mapped status and the payout that is due',
    async (version, path, preset) => {
      const binom = await keep(startBinom({ version, statusScheme }))
      const made = await relay.destination(network, { preset, url: binom.url + path + url, statuses: ALL })
      expect(codes(made)).toContain('reversal_needs_setting')
      const clickId = binom.newClick()
      await tell(clickId, ['approved'])
      expect(binom.conversions()).toMatchObject([{ clickId, status: 'sale', payout: 7.5 }])
      await tell(clickId, ['rejected'])
      expect(binom.conversions()).toMatchObject([{ clickId, status: 'reject', payout: 0 }])
    },
  )

  test('with Upsell on the money stays, of which the destination is warned', async () => {
    const binom = await keep(startBinom({ version: 2, statusScheme, upsell: true }))
    const made = await relay.destination(network, {
      preset: 'binom_v2',
      url: `${binom.url}/click${url}`,
      statuses: ALL,
    })
    const warning = made.findings.find(({ code }: { code: string }) => code === 'reversal_needs_setting')
    expect(warning).toMatchObject({ severity: 'warning', message: expect.stringContaining('Upsell') })
    await tell(binom.newClick(), ['approved', 'rejected'])
    expect(binom.conversions()).toMatchObject([{ status: 'reject', payout: 7.5 }])
  })

  test('with Upsell on, payout_delta takes the money back', async () => {
    const binom = await keep(startBinom({ version: 2, upsell: true }))
    await relay.destination(network, {
      url: `${binom.url}/click?cnv_id={cid}&cnv_status={status}&payout={payout_delta}`,
      statuses: ALL,
    })
    await tell(binom.newClick(), ['pending', 'approved', 'rejected'])
    expect(binom.conversions()).toMatchObject([{ status: 'rejected', payout: 0 }])
  })
})

describe('RedTrack', () => {
  const url =
    '/postback?clickid={cid}&sum={payout_due}&type=Sale&status={status|map:rejected=declined}&rdtk_event_id={transaction_id}'

  test.each([
    ['edit', ['declined 0']],
    ['ignore', ['approved 7.5']],
    ['ignore_by_event_id', ['approved 7.5']],
    ['increment', ['approved 7.5']],
    ['create', ['approved 7.5', 'declined 0']],
  ] as const)('status=declined works by its duplicate setting: %s', async (duplicates, counted) => {
    const redtrack = await keep(startRedtrack({ types: ['Sale'], duplicates }))
    const made = await relay.destination(network, {
      preset: 'redtrack',
      url: redtrack.url + url,
      statuses: ALL,
    })
    expect(codes(made)).toContain('reversal_needs_setting')
    expect(await tell(redtrack.newClick(), ['approved', 'rejected'])).toEqual([
      'approved delivered',
      'rejected delivered',
    ])
    expect(redtrack.conversions().map((one) => `${one.status} ${one.payout}`)).toEqual(counted)
  })
})

test('BeMob hears the same cid and txid with the word that its settings map', async () => {
  const bemob = await keep(startReceiver())
  await relay.destination(network, {
    preset: 'bemob',
    url: `${bemob.url}/postback?cid={cid}&payout={payout}&txid={transaction_id}&status={status}`,
    statuses: ALL,
  })
  await tell('Abc123Abc123Abc123Abc1', ['approved', 'rejected'])
  expect(
    bemob.received.map(({ query }) => [query.get('cid'), query.get('txid'), query.get('status')]),
  ).toEqual([
    ['Abc123Abc123Abc123Abc1', 't1', 'approved'],
    ['Abc123Abc123Abc123Abc1', 't1', 'rejected'],
  ])
})

describe('a tracker that takes nothing back', () => {
  const urls: [string, string][] = [
    ['voluum', '/postback?cid={cid}&payout={payout}&txid={transaction_id}'],
    ['clickflare', '/cf/cv?click_id={cid}&payout={payout}&txid={transaction_id}'],
    ['funnelflux', '/pb/?hit={cid}&rev={payout}&tx={transaction_id}'],
  ]

  test.each(urls)('%s is not told, and the log says why', async (preset, url) => {
    const receiver: Receiver = await keep(startReceiver())
    const made = await relay.destination(network, { preset, url: receiver.url + url, statuses: ALL })
    expect(codes(made)).toContain('tracker_cannot_reverse')
    expect(await tell('w1', ['approved', 'rejected'])).toEqual([
      'approved delivered',
      'rejected skipped tracker_cannot_reverse',
    ])
    expect(receiver.received).toHaveLength(1)
  })

  test.each(urls)('%s, only recognised by its URL, is told', async (_, url) => {
    const receiver: Receiver = await keep(startReceiver())
    await relay.destination(network, { url: receiver.url + url, statuses: ALL })
    expect(await tell('w1', ['approved', 'rejected'])).toEqual(['approved delivered', 'rejected delivered'])
  })

  test('a fallback does not hear of the rejection of what the other destination took', async () => {
    const voluum = await keep(startVoluum())
    const other: Receiver = await startReceiver()
    open.push(other)
    await relay.destination(network, {
      preset: 'voluum',
      url: `${voluum.url}/postback?cid={cid}&txid={transaction_id}`,
      statuses: ALL,
    })
    await relay.destination(network, { url: `${other.url}/?id={cid}`, statuses: ALL, fallback: true })
    const told = await tell(voluum.newClick(), ['approved', 'rejected'])
    expect([...told].sort()).toEqual([
      'approved delivered',
      'approved skipped other_destination_took_it',
      'rejected skipped other_destination_took_it',
      'rejected skipped tracker_cannot_reverse',
    ])
    expect(other.received).toEqual([])
  })
})

describe('reversals as a conversion upload', () => {
  const prepare = async (definition: object = {}) => {
    const voluum = await keep(startVoluum())
    const made = await relay.destination(network, {
      preset: 'voluum',
      url: `${voluum.url}/postback?cid={cid}&payout={payout}&txid={transaction_id}&currency={currency}`,
      statuses: ALL,
      ...definition,
    })
    const csv = (query = '') => relay.call('GET', `/v1/destinations/${made.id}/reversals.csv${query}`)
    return { voluum, csv, id: made.id as string }
  }
  const sumAt = (voluum: { conversions(): readonly { payout: number }[] }): number =>
    voluum.conversions().reduce((sum, one) => sum + one.payout, 0)

  test('what Voluum cannot be told takes the money back there when it is uploaded', async () => {
    const { voluum, csv } = await prepare()
    const [kept, reversed] = [voluum.newClick(), voluum.newClick()]
    await tell(kept, ['approved'], 'stays')
    await tell(reversed, ['approved', 'rejected'], 'goes')
    expect(sumAt(voluum)).toBe(15)
    const answer = await csv()
    expect(answer.status).toBe(200)
    expect(readCsvText(answer.text)).toEqual([
      { cid: reversed, txid: 'goes-reversal', payout: '-7.50', currency: 'EUR' },
    ])
    expect(voluum.upload(answer.text)).toBe(1)
    expect(sumAt(voluum)).toBe(7.5)
    expect(voluum.upload(answer.text)).toBe(0)
  })

  test('leaves out what is approved again, and what was never delivered', async () => {
    const { voluum, csv } = await prepare()
    await tell(voluum.newClick(), ['approved', 'rejected', 'approved'], 'again')
    await tell(voluum.newClick(), ['rejected'], 'never')
    expect((await csv()).text).toBe('cid,txid,payout,currency\r\n')
  })

  test('names each conversion once, however often it was rejected', async () => {
    const { voluum, csv } = await prepare()
    await tell(voluum.newClick(), ['approved', 'rejected', 'approved', 'rejected'], 'twice')
    expect(readCsvText((await csv()).text)).toMatchObject([{ txid: 'twice-reversal' }])
  })

  test('can be asked for a span', async () => {
    const { voluum, csv } = await prepare()
    await tell(voluum.newClick(), ['approved', 'rejected'])
    const hour = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString()
    expect(readCsvText((await csv(`?from=${hour(-1)}&to=${hour(1)}`)).text)).toHaveLength(1)
    expect(readCsvText((await csv(`?from=${hour(1)}`)).text)).toEqual([])
    expect((await csv('?from=yesterday')).status).toBe(400)
  })

  test('holds the click id that the URL carries, and no formula of others', async () => {
    const { voluum, csv } = await prepare({
      url: 'http://127.0.0.1:1/postback?cid={sub2}&payout={payout}&txid={transaction_id}',
    })
    const made = await relay.get('/v1/destinations?limit=1')
    await relay.patch(`/v1/destinations/${made.data[0].id}`, {
      url: `${voluum.url}/postback?cid={sub2}&payout={payout}&txid={transaction_id}`,
    })
    for (const status of ['approved', 'rejected']) {
      const said = { sub2: 'w9', transaction_id: '=1+1', payout: '2', status, affiliate_click_id: 'other' }
      const { conversion_id } = await relay.report(network, said)
      await relay.settled(conversion_id)
    }
    expect(readCsvText((await csv()).text)).toMatchObject([{ cid: 'w9', txid: "'=1+1-reversal" }])
  })

  test('of a tracker without an upload: there is none', async () => {
    const keitaro = await keep(startKeitaro())
    const made = await relay.destination(network, {
      url: `${keitaro.url}/${keitaro.key}/postback?subid={cid}&status=sale`,
    })
    const answer = await relay.call('GET', `/v1/destinations/${made.id}/reversals.csv`)
    expect(answer).toMatchObject({ status: 404, json: { error: { code: 'not_found' } } })
    expect(answer.json.error.message).toContain('Keitaro')
    expect((await relay.call('GET', '/v1/destinations/dst_none/reversals.csv')).status).toBe(404)
  })
})

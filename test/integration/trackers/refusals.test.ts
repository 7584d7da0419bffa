import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startBinom } from '../../support/trackers/binom.ts'
import { startKeitaro } from '../../support/trackers/keitaro.ts'
import { startRedtrack } from '../../support/trackers/redtrack.ts'
import { ANSWER_STYLES, type AnswerStyle, type Tracker } from '../../support/trackers/tracker.ts'
import { startVoluum } from '../../support/trackers/voluum.ts'
import {
  type Network,
  type ShownDelivery,
  startWholeRelay,
  type WholeRelay,
} from '../../support/whole-relay.ts'

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

async function report(clickId: string): Promise<ShownDelivery> {
  const { conversion_id } = await relay.report(network, {
    affiliate_click_id: clickId,
    transaction_id: 't1',
    payout: '3',
  })
  const [delivery] = await relay.settled(conversion_id)
  if (delivery === undefined) throw new Error('no delivery')
  return delivery
}

/** What became of it, and how often the tracker was called. */
const shown = (delivery: ShownDelivery) => [
  delivery.state,
  delivery.last?.error ?? null,
  delivery.attempts_count,
]

describe('a 2xx whose body says no is refused and not sent again', () => {
  const refused: [string, (url: string, key: string) => string, (tracker: Tracker) => string, string][] = [
    [
      'an unknown click',
      (url, key) => `${url}/${key}/postback?subid={cid}&status=sale`,
      () => 'made-up',
      'subid_not_found',
    ],
    [
      'a wrong key',
      (url) => `${url}/wrong/postback?subid={cid}&status=sale`,
      (tracker) => tracker.newClick(),
      'incorrect_postback_code',
    ],
  ]
  test.each(refused)('Keitaro: %s', async (_, url, clickId, word) => {
    const keitaro = await keep(startKeitaro())
    await relay.destination(network, { url: url(keitaro.url, keitaro.key), preset: 'keitaro' })
    const delivery = await report(clickId(keitaro))
    expect(shown(delivery)).toEqual(['refused', word, 1])
    expect(delivery.last).toMatchObject({ http_status: 200, verdict: 'refused' })
    expect(keitaro.receiver.received).toHaveLength(1)
    expect(keitaro.conversions()).toEqual([])
  })

  test('Keitaro: a click id that it can not read', async () => {
    const keitaro = await keep(startKeitaro())
    keitaro.disturb(() => ({ status: 200, body: 'Incorrect subid "". Postback ignored.' }))
    await relay.destination(network, {
      url: `${keitaro.url}/${keitaro.key}/postback?subid={cid}&status=sale`,
    })
    expect(shown(await report(keitaro.newClick()))).toEqual(['refused', 'incorrect_subid', 1])
  })

  test('Keitaro: a status that is ignored with an answer that says so', async () => {
    const keitaro = await keep(startKeitaro({ ignoredAnswer: 'Postback ignored.' }))
    await relay.destination(network, { url: `${keitaro.url}/${keitaro.key}/postback?subid={cid}` })
    expect(shown(await report(keitaro.newClick()))).toEqual(['refused', 'postback_ignored', 1])
  })

  test('without a preset, by the words of an error that the tracker is recognised by', async () => {
    const keitaro = await keep(startKeitaro())
    await relay.destination(network, {
      url: `${keitaro.url}/${keitaro.key}/postback?subid={cid}&status=sale`,
    })
    expect(shown(await report('made-up'))).toEqual(['refused', 'subid_not_found', 1])
  })

  test('the preset plain switches that off', async () => {
    const keitaro = await keep(startKeitaro())
    await relay.destination(network, {
      preset: 'plain',
      url: `${keitaro.url}/${keitaro.key}/postback?subid={cid}&status=sale`,
    })
    expect(shown(await report('made-up'))).toEqual(['delivered', null, 1])
  })
})

describe('where a tracker says nothing that is known, it is delivered', () => {
  test('Keitaro: an ignored status answered like a success', async () => {
    const keitaro = await keep(startKeitaro({ version: 'newer' }))
    await relay.destination(network, { url: `${keitaro.url}/${keitaro.key}/postback?subid={cid}` })
    expect(shown(await report(keitaro.newClick()))).toEqual(['delivered', null, 1])
    expect(keitaro.conversions()).toEqual([])
  })

  test('Keitaro: an older one counts a missing status as a sale', async () => {
    const keitaro = await keep(startKeitaro({ version: 'older' }))
    await relay.destination(network, { url: `${keitaro.url}/${keitaro.key}/postback?subid={cid}` })
    await report(keitaro.newClick())
    expect(keitaro.conversions()).toMatchObject([{ status: 'sale' }])
  })

  test('Keitaro: the text of return= instead of Success', async () => {
    const keitaro = await keep(startKeitaro())
    await relay.destination(network, {
      url: `${keitaro.url}/${keitaro.key}/postback?subid={cid}&status=sale&return=OK`,
    })
    expect(shown(await report(keitaro.newClick()))).toEqual(['delivered', null, 1])
    expect(keitaro.conversions()).toHaveLength(1)
  })
})

describe('an error text with an error status', () => {
  test.each([
    [400, ['refused', 'http_400', 1]],
    [404, ['failed', 'http_404', 3]],
  ] as const)('Keitaro: %i', async (errorStatus, expected) => {
    const keitaro = await keep(startKeitaro({ errorStatus }))
    await relay.destination(network, {
      url: `${keitaro.url}/${keitaro.key}/postback?subid={cid}&status=sale`,
    })
    expect(shown(await report('made-up'))).toEqual(expected)
  })
})

const UNKNOWN: [string, (answers: AnswerStyle) => Promise<Tracker>, string][] = [
  ['Voluum', (answers) => startVoluum({ answers }), '/postback?cid={cid}&txid={transaction_id}'],
  ['Binom v1', (answers) => startBinom({ version: 1, answers }), '/click.php?cnv_id={cid}'],
  ['Binom v2', (answers) => startBinom({ version: 2, answers }), '/click?cnv_id={cid}'],
  ['RedTrack', (answers) => startRedtrack({ answers }), '/postback?clickid={cid}'],
]

describe.each(UNKNOWN)('%s, of which no answers are documented', (_, start, query) => {
  test.each(ANSWER_STYLES)('a counted conversion is delivered (answers: %s)', async (answers) => {
    const tracker = await keep(start(answers))
    await relay.destination(network, { url: tracker.url + query })
    expect(shown(await report(tracker.newClick()))).toEqual(['delivered', null, 1])
    expect(tracker.conversions()).toHaveLength(1)
  })

  const unknownClick: [AnswerStyle, unknown[]][] = [
    ['silent', ['delivered', null, 1]],
    ['text', ['delivered', null, 1]],
    ['status_400', ['refused', 'http_400', 1]],
    ['status_404', ['failed', 'http_404', 3]],
  ]
  test.each(unknownClick)('an unknown click (answers: %s)', async (answers, expected) => {
    const tracker = await keep(start(answers))
    await relay.destination(network, { url: tracker.url + query })
    expect(shown(await report('made-up'))).toEqual(expected)
    expect(tracker.conversions()).toEqual([])
  })

  test('a text that somebody has seen can be named by the destination, and then refuses', async () => {
    const tracker = await keep(start('text'))
    await relay.destination(network, {
      url: tracker.url + query,
      success: { body_not_contains: 'Unknown C' },
    })
    expect(shown(await report('made-up'))).toEqual(['refused', 'success_rule', 1])
    expect(tracker.receiver.received).toHaveLength(1)
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type {
  Affiliate,
  ConversionStatus,
  Destination,
  DestinationDefinition,
  Offer,
} from '../../../src/catalogue/catalogue.ts'
import { type FanOutInput, fanOut } from '../../../src/fanout/fan-out.ts'
import type { EarlierDelivery } from '../../../src/fanout/rules.ts'
import { sampleDefinition } from '../../support/destination-samples.ts'

const affiliate: Affiliate = {
  id: 'aff',
  externalId: null,
  name: 'A',
  clickIdFrom: 'click_id',
  state: 'active',
  archived: false,
}
const offer: Offer = {
  id: 'ofr',
  externalId: null,
  advertiserId: 'adv',
  name: 'O',
  landingUrl: null,
  payout: { type: 'passthrough', currency: 'USD' },
  overrides: [],
  attributionWindowDays: 30,
  defaultStatus: 'approved',
  events: [],
  shared: [],
  state: 'active',
  archived: false,
}

const destination = (id: string, definition: Partial<DestinationDefinition> = {}): Destination => ({
  id,
  externalId: null,
  affiliateId: 'aff',
  state: 'active',
  version: 1,
  archived: false,
  definition: sampleDefinition(definition),
})

const revision = (number: number, status: ConversionStatus, payout = '1') => ({
  id: `rev${number}`,
  revision: number,
  status,
  payout,
  currency: 'USD',
  saleAmount: null,
})

const told = (...statuses: ConversionStatus[]): FanOutInput['history'] =>
  statuses.map((status, index) => ({ revision: index + 1, status }))

const earlier = (
  number: number,
  status: ConversionStatus,
  rest: Partial<EarlierDelivery> = {},
): EarlierDelivery => ({
  id: `dlv${number}`,
  destinationId: 'd',
  revision: number,
  status,
  payout: '1',
  currency: 'USD',
  saleAmount: null,
  place: 'ended',
  heard: false,
  ...rest,
})

const plan = (input: Partial<FanOutInput>) =>
  fanOut({
    affiliate,
    offer,
    destinations: [destination('d')],
    event: 'sale',
    windowOver: false,
    history: [{ revision: 1, status: 'approved' }],
    revisions: [revision(1, 'approved')],
    earlier: [],
    clickIdMissing: () => false,
    idTimeMs: () => 1_700_000_000_000,
    ...input,
  })

const reasons = (input: Partial<FanOutInput>) => plan(input).deliveries.map((one) => one.reason ?? one.state)

describe('the first rule that applies gives the reason', () => {
  const everythingWrong: Partial<FanOutInput> = {
    affiliate: { ...affiliate, state: 'blocked' },
    windowOver: true,
    destinations: [
      destination('d', { offer_ids: ['other'], events: ['lead'], statuses: ['pending'], fallback: true }),
    ],
    earlier: [earlier(1, 'approved', { heard: true })],
    clickIdMissing: () => true,
  }
  const fixes: [string, Partial<FanOutInput>][] = [
    ['affiliate_blocked', {}],
    ['attribution_window_over', { affiliate }],
    ['offer_not_selected', { windowOver: false }],
    [
      'event_not_selected',
      { destinations: [destination('d', { events: ['lead'], statuses: ['pending'], fallback: true })] },
    ],
    ['status_not_selected', { destinations: [destination('d', { statuses: ['pending'], fallback: true })] }],
    [
      'nothing_changed',
      {
        destinations: [destination('d', { fallback: true })],
        revisions: [revision(2, 'approved')],
        history: told('approved', 'approved'),
      },
    ],
    ['no_affiliate_click_id', { earlier: [] }],
  ]
  test.each(fixes.map(([reason], index) => [reason, index] as const))('%s', (reason, index) => {
    const input = Object.assign({}, everythingWrong, ...fixes.slice(0, index + 1).map(([, fix]) => fix))
    expect(reasons(input)).toEqual([reason])
  })
})

test('events are selected whatever their case', () => {
  expect(reasons({ destinations: [destination('d', { events: ['SALE'] })] })).toEqual(['scheduled'])
})

test('a fallback is quiet while another destination takes the revision, also where that one heard it before', () => {
  const destinations = [destination('fallback', { fallback: true }), destination('d')]
  expect(reasons({ destinations })).toEqual(['scheduled', 'other_destination_took_it'])
  expect(
    reasons({
      destinations: [
        destination('fallback', { fallback: true }),
        destination('d', { statuses: ['pending'] }),
      ],
    }),
  ).toEqual(['status_not_selected', 'scheduled'])
  const again = {
    history: told('approved', 'approved'),
    revisions: [revision(2, 'approved')],
    earlier: [earlier(1, 'approved', { heard: true })],
  }
  expect(reasons({ destinations, ...again })).toEqual(['nothing_changed', 'other_destination_took_it'])
})

describe('amounts', () => {
  const changed = (changes: DestinationDefinition['changes'], payout: string) =>
    reasons({
      destinations: [destination('d', { changes })],
      history: told('approved', 'approved'),
      revisions: [revision(2, 'approved', payout)],
      earlier: [earlier(1, 'approved', { heard: true })],
    })
  test('a changed payout is sent only to who asks for it', () => {
    expect(changed(['status'], '2')).toEqual(['amount_not_selected'])
    expect(changed(['status', 'amount'], '2')).toEqual(['scheduled'])
  })
  test('one that is taken back while its change still waits is sent in place of that, else the change was the last word', () => {
    const made = plan({
      destinations: [destination('d', { changes: ['status', 'amount'] })],
      history: told('approved', 'approved', 'approved'),
      revisions: [revision(3, 'approved', '1')],
      earlier: [
        earlier(1, 'approved', { heard: true }),
        earlier(2, 'approved', { payout: '2', place: 'waiting' }),
      ],
    })
    expect(made.deliveries.map(({ state }) => state)).toEqual(['scheduled'])
    expect(made.superseded).toEqual(['dlv2'])
  })
  test('1 and 1.000000 are the same amount', () => {
    expect(changed(['status', 'amount'], '1.000000')).toEqual(['nothing_changed'])
  })
})

describe('older unsent rows', () => {
  const next = {
    history: told('pending', 'approved'),
    revisions: [revision(2, 'approved')],
    destinations: [destination('d', { statuses: ['pending', 'approved'] })],
  }
  test('that wait are superseded', () => {
    expect(plan({ ...next, earlier: [earlier(1, 'pending', { place: 'waiting' })] }).superseded).toEqual([
      'dlv1',
    ])
  })
  test('that travel get the newest as their successor, and it waits for them', () => {
    const made = plan({ ...next, earlier: [earlier(1, 'pending', { place: 'travelling', heard: true })] })
    expect(made.successors).toEqual([{ priorId: 'dlv1', nextId: made.deliveries[0]?.id }])
    expect(made.deliveries[0]?.after).toBe('dlv1')
  })
  test('a rejection that is on its way is not taken back by another one that the tracker need not hear', () => {
    const made = plan({
      destinations: [destination('d', { statuses: ['approved', 'rejected'] })],
      history: told('approved', 'rejected', 'rejected'),
      revisions: [revision(3, 'rejected', '2')],
      earlier: [
        earlier(1, 'approved', { heard: true }),
        earlier(2, 'rejected', { place: 'travelling', heard: true }),
      ],
    })
    expect(made.deliveries.map(({ reason }) => reason)).toEqual(['amount_not_selected'])
    expect(made.successors).toEqual([])
  })
  test('an approval that is on its way is, where its tracker can not reverse it', () => {
    const made = plan({
      destinations: [destination('d', { preset: 'ga4', statuses: ['approved', 'rejected'] })],
      history: told('approved', 'rejected'),
      revisions: [revision(2, 'rejected')],
      earlier: [earlier(1, 'approved', { place: 'travelling', heard: true })],
    })
    expect(made.successors).toHaveLength(1)
  })
})

test('over any history, at most one delivery of a destination is left to send, and it is the newest one selected after the last rejection', () => {
  const status = fc.constantFrom<ConversionStatus>('pending', 'approved', 'rejected')
  fc.assert(
    fc.property(
      fc.array(status, { minLength: 1, maxLength: 8 }),
      fc.subarray<ConversionStatus>(['pending', 'approved', 'rejected'], { minLength: 1 }),
      (statuses, selected) => {
        const made = plan({
          history: told(...statuses),
          revisions: statuses.map((one, index) => revision(index + 1, one)),
          destinations: [destination('d', { statuses: selected })],
        })
        expect(made.deliveries).toHaveLength(statuses.length)
        const left = made.deliveries.filter((one) => one.state === 'scheduled')
        const lastSelected = statuses.findLastIndex((one) => selected.includes(one))
        const rejectedAfter = statuses.lastIndexOf('rejected') > lastSelected
        const expected = lastSelected === -1 || rejectedAfter ? [] : [lastSelected + 1]
        expect(left.map((one) => one.revision)).toEqual(expected)
      },
    ),
  )
})

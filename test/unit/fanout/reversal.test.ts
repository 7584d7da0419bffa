import { describe, expect, test } from 'vitest'
import type { ConversionStatus, DestinationDefinition } from '../../../src/catalogue/catalogue.ts'
import { decideDestination, type RuleInput } from '../../../src/fanout/rules.ts'
import { sampleDefinition } from '../../support/destination-samples.ts'

const decide = (
  definition: Partial<DestinationDefinition>,
  status: ConversionStatus = 'rejected',
  input: Partial<RuleInput> = {},
) =>
  decideDestination({
    affiliate: {
      id: 'aff',
      externalId: null,
      name: 'A',
      clickIdFrom: 'click_id',
      state: 'active',
      archived: false,
    },
    offer: {
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
    },
    destination: {
      id: 'dst',
      externalId: null,
      affiliateId: 'aff',
      state: 'active',
      version: 1,
      archived: false,
      definition: sampleDefinition({ statuses: ['pending', 'approved', 'rejected'], ...definition }),
    },
    event: 'sale',
    windowOver: false,
    revision: { status, payout: '1', currency: 'USD', saleAmount: null },
    otherStatusRevision: 1,
    earlier: [],
    takenByOther: false,
    clickIdMissing: false,
    ...input,
  })

const cannot = { send: false, reason: 'tracker_cannot_reverse' }

describe('a tracker that takes nothing back', () => {
  test.each(['voluum', 'clickflare', 'funnelflux', 'meta_capi', 'tiktok_events'])(
    '%s is not told of a rejection',
    (preset) => expect(decide({ preset })).toEqual(cannot),
  )

  test.each(['keitaro', 'binom_v1', 'binom_v2', 'redtrack', 'bemob', 'ga4', 'plain'])(
    '%s is told, since it can take it back',
    (preset) => expect(decide({ preset })).toEqual({ send: true }),
  )

  test('is told of everything else', () => {
    expect(decide({ preset: 'voluum' }, 'approved')).toEqual({ send: true })
    expect(decide({ preset: 'voluum' }, 'pending')).toEqual({ send: true })
  })

  test('only recognised by its URL is told: the preset has to be named', () => {
    expect(
      decide({ preset: null, url: 'https://t.example/postback?cid={cid}&txid={transaction_id}' }),
    ).toEqual({
      send: true,
    })
  })
})

describe('the rule of reversals is asked', () => {
  test('after what is selected and what changed', () => {
    expect(decide({ preset: 'voluum', statuses: ['approved'] })).toEqual({
      send: false,
      reason: 'status_not_selected',
    })
    const heard = {
      id: 'dlv',
      destinationId: 'dst',
      revision: 2,
      status: 'rejected' as const,
      payout: '1',
      currency: 'USD',
      saleAmount: null,
      place: 'ended' as const,
      heard: true,
    }
    expect(decide({ preset: 'voluum' }, 'rejected', { earlier: [heard] })).toEqual({
      send: false,
      reason: 'nothing_changed',
    })
  })

  test('before fallback and click id', () => {
    expect(decide({ preset: 'voluum', fallback: true }, 'rejected', { takenByOther: true })).toEqual(cannot)
    expect(decide({ preset: 'voluum' }, 'rejected', { clickIdMissing: true })).toEqual(cannot)
  })
})

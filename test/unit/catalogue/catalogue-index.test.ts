import { expect, test } from 'vitest'
import { CatalogueIndex } from '../../../src/catalogue/catalogue-index.ts'
import type { AdvertiserRow, AffiliateRow, DestinationRow } from '../../../src/catalogue/rows.ts'
import type { CatalogueChanges } from '../../../src/catalogue/snapshot.ts'
import { encodeId } from '../../../src/kit/ids.ts'

const uuid = (n: number): string => `01900000-0000-7000-8000-${String(n).padStart(12, '0')}`
const NOTHING: CatalogueChanges = {
  version: 1,
  advertisers: [],
  offers: [],
  affiliates: [],
  destinations: [],
}

const affiliate = (n: number, externalId: string | null): AffiliateRow => ({
  id: uuid(n),
  external_id: externalId,
  name: 'a',
  click_id_from: 'click_id',
  state: 'active',
  archived: false,
})
const advertiser = (token: string, previous: string | null, until: Date | null): AdvertiserRow => ({
  id: uuid(1),
  external_id: null,
  name: 'a',
  param_map: {},
  status_map: {},
  timezone: 'UTC',
  ip_allowlist: [],
  signing_secret: null,
  rate_limit: null,
  answer: {},
  token_hash: token,
  previous_token_hash: previous,
  previous_token_until: until,
  archived: false,
})
const destination = (n: number, archived: boolean): DestinationRow => ({
  id: uuid(n),
  external_id: null,
  affiliate_id: uuid(9),
  state: 'active',
  version: 1,
  archived,
  definition: {} as DestinationRow['definition'],
})

test('an external id that moved from one affiliate to another leads to the other one', () => {
  const index = new CatalogueIndex()
  index.apply({ ...NOTHING, affiliates: [affiliate(1, 'x'), affiliate(2, 'y')] })
  index.apply({ ...NOTHING, affiliates: [affiliate(1, 'y'), affiliate(2, 'x')] })
  expect(index.resolve('affiliate', 'x')).toBe(uuid(2))
  expect(index.resolve('affiliate', 'y')).toBe(uuid(1))
  expect(index.partnerId('affiliate', uuid(1))).toBe('y')
  index.apply({ ...NOTHING, affiliates: [affiliate(1, null)] })
  expect(index.resolve('affiliate', 'y')).toBeNull()
  expect(index.partnerId('affiliate', uuid(1))).toBe(encodeId('affiliate', uuid(1)))
  expect(index.resolve('affiliate', encodeId('affiliate', uuid(1)))).toBe(uuid(1))
  expect(index.resolve('offer', 'x')).toBeNull()
})

test('the token before is known until its overlap ends, and older ones not at all', () => {
  const index = new CatalogueIndex()
  index.apply({ ...NOTHING, advertisers: [advertiser('one', null, null)] })
  index.apply({ ...NOTHING, advertisers: [advertiser('two', 'one', new Date(1000))] })
  expect(index.advertiserByToken('one', 999)?.id).toBe(uuid(1))
  expect(index.advertiserByToken('one', 1000)).toBeUndefined()
  index.apply({ ...NOTHING, advertisers: [advertiser('three', 'two', new Date(2000))] })
  expect(index.advertiserByToken('one', 0)).toBeUndefined()
  expect(index.advertiserByToken('two', 0)?.id).toBe(uuid(1))
  expect(index.advertiserByToken('three', 9999)?.id).toBe(uuid(1))
})

test("an affiliate's destinations are those not archived, in the order they were made", () => {
  const index = new CatalogueIndex()
  index.apply({
    ...NOTHING,
    destinations: [destination(3, false), destination(2, false), destination(4, true)],
  })
  const ids = () => index.destinationsOf(uuid(9)).map((one) => one.id)
  expect(ids()).toEqual([uuid(2), uuid(3)])
  index.apply({ ...NOTHING, destinations: [destination(2, true), destination(4, false)] })
  expect(ids()).toEqual([uuid(3), uuid(4)])
  expect(index.destination(uuid(2))?.archived).toBe(true)
})

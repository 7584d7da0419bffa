import { describe, expect, test } from 'vitest'
import { type KnownKey, resolveIdentity } from '../../../src/intake/identity.ts'
import type { Report } from '../../../src/intake/report.ts'
import { AppError } from '../../../src/kit/app-error.ts'
import { reportOf } from '../../support/reports.ts'

const ID = '01890000-0000-7000-8000-000000000001'

const report = (said: Partial<Report>): Report => reportOf(said)

const key = (said: Partial<KnownKey>): KnownKey => ({
  advertiserId: 'a',
  byClick: false,
  identity: 't',
  event: 'sale',
  conversionId: ID,
  clickId: 'c',
  ...said,
})

const resolve = (said: Partial<Report>, known: KnownKey[] = []) => {
  try {
    const { byClick, identity, event } = resolveIdentity('a', report(said), known)
    return { byClick, identity, event }
  } catch (error) {
    if (error instanceof AppError) return error.code
    throw error
  }
}

describe('what a report is about', () => {
  test.each<[string, Partial<Report>, KnownKey[], unknown]>([
    [
      'its transaction and event',
      { transactionId: 't', event: 'lead' },
      [],
      { byClick: false, identity: 't', event: 'lead' },
    ],
    [
      'a conversion of its own where nothing is known',
      { transactionId: 't' },
      [],
      { byClick: false, identity: 't', event: 'conversion' },
    ],
    [
      'the only conversion of its transaction',
      { transactionId: 't' },
      [key({})],
      { byClick: false, identity: 't', event: 'sale' },
    ],
    ['none of two', { transactionId: 't' }, [key({}), key({ event: 'lead' })], 'ambiguous_conversion'],
    [
      'its click, kept apart from transaction ids',
      { clickId: 't' },
      [],
      { byClick: true, identity: 't', event: 'conversion' },
    ],
    [
      'the only conversion of its click and event',
      { clickId: 'c', event: 'sale' },
      [key({}), key({ event: 'lead', identity: 'u' })],
      { byClick: false, identity: 't', event: 'sale' },
    ],
    [
      'none of two with that event',
      { clickId: 'c', event: 'sale' },
      [key({}), key({ identity: 'u' })],
      'ambiguous_conversion',
    ],
    [
      "the affiliate's click, where the network has its own redirect",
      { affiliateId: '7', offerId: '9', affiliateClickId: 'x' },
      [],
      { byClick: true, identity: '7 9 x', event: 'conversion' },
    ],
    ['nothing that could be told from the next one', { affiliateId: '7', offerId: '9' }, [], 'missing_field'],
    [
      "a placeholder in place of the affiliate's click, the same in every report",
      { affiliateId: '7', offerId: '9', affiliateClickId: '{aff_click_id}' },
      [key({ byClick: true, identity: '7 9 {aff_click_id}' })],
      'macro_not_replaced',
    ],
    [
      'its transaction, beside a placeholder that identifies nothing',
      { transactionId: 't', affiliateId: '7', offerId: '9', affiliateClickId: '#s2#' },
      [],
      { byClick: false, identity: 't', event: 'conversion' },
    ],
    ['nothing at all', {}, [], 'click_id_missing'],
  ])('%s', (_, said, known, expected) => {
    expect(resolve(said, known)).toEqual(expected)
  })

  test('a transaction id equal to a click id is another identity', () => {
    expect(resolve({ transactionId: 'c' }, [key({ byClick: true, identity: 'c' })])).toEqual({
      byClick: false,
      identity: 'c',
      event: 'conversion',
    })
  })

  test("another advertiser's keys don't count", () => {
    expect(resolve({ transactionId: 't' }, [key({ advertiserId: 'b' })])).toEqual({
      byClick: false,
      identity: 't',
      event: 'conversion',
    })
  })
})

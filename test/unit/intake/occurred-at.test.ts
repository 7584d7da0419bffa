import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { NOW, refusalOf, reportOf } from './read-test-call.ts'

const occurredAt = (text: string, timezone = 'UTC'): string | undefined =>
  reportOf({ query: `click_id=c&occurred_at=${text}`, timezone }).occurredAt?.toISOString()

test.each([
  ['2024-05-01T10:00:00Z', '2024-05-01T10:00:00.000Z'],
  ['2024-05-01t10:00:00.5z', '2024-05-01T10:00:00.500Z'],
  ['2024-05-01T10:00:00.123456%2B02:00', '2024-05-01T08:00:00.123Z'],
  ['2024-05-01T10:00:00-0330', '2024-05-01T13:30:00.000Z'],
  ['1714557600', '2024-05-01T10:00:00.000Z'],
  ['1714557600.25', '2024-05-01T10:00:00.250Z'],
  ['1714557600250', '2024-05-01T10:00:00.250Z'],
  ['946684800', '2000-01-01T00:00:00.000Z'],
  ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
])('%s is %s', (text, expected) => {
  expect(occurredAt(text)).toBe(expected)
})

test('the + of an offset that form decoding turned into a space is still an offset', () => {
  expect(occurredAt('2024-05-01T10:00:00+02:00')).toBe('2024-05-01T08:00:00.000Z')
  expect(occurredAt('2024-05-01+10:00:00')).toBe('2024-05-01T10:00:00.000Z')
})

describe("a time without zone is in the advertiser's timezone", () => {
  test.each([
    ['2024-05-01T10:00:00', 'Europe/Berlin', '2024-05-01T08:00:00.000Z'],
    ['2024-01-01 10:00', 'Europe/Berlin', '2024-01-01T09:00:00.000Z'],
    ['2024-01-01T10:00:00.750', 'America/New_York', '2024-01-01T15:00:00.750Z'],
    ['2024-05-01T10:00:00', 'Asia/Kathmandu', '2024-05-01T04:15:00.000Z'],
    ['2024-03-31T12:00:00', 'Europe/Berlin', '2024-03-31T10:00:00.000Z'],
    ['2023-10-29T12:00:00', 'Europe/Berlin', '2023-10-29T11:00:00.000Z'],
    ['2024-03-30T12:00:00', 'Europe/Berlin', '2024-03-30T11:00:00.000Z'],
    ['2024-05-01T10:00:00', 'UTC', '2024-05-01T10:00:00.000Z'],
  ])('%s in %s', (text, timezone, expected) => {
    expect(occurredAt(text, timezone)).toBe(expected)
  })

  test('the hour that occurs twice is its first occurrence', () => {
    expect(occurredAt('2023-10-29T02:30:00', 'Europe/Berlin')).toBe('2023-10-29T00:30:00.000Z')
  })

  test('the hour that never occurs is read with the offset from before', () => {
    expect(occurredAt('2024-03-31T02:30:00', 'Europe/Berlin')).toBe('2024-03-31T01:30:00.000Z')
  })

  test('what the clocks there showed leads back to the moment', () => {
    const zone = fc.constantFrom(
      'Europe/Berlin',
      'America/Sao_Paulo',
      'Australia/Lord_Howe',
      'Asia/Tokyo',
      'UTC',
    )
    const second = fc.integer({ min: 946_684_800, max: Math.floor(NOW.getTime() / 1000) })
    fc.assert(
      fc.property(zone, second, (timezone, at) => {
        const shown = new Date(at * 1000).toLocaleString('sv-SE', { timeZone: timezone })
        const read = new Date(occurredAt(shown.replace(' ', 'T'), timezone) ?? 0)
        expect(read.toLocaleString('sv-SE', { timeZone: timezone })).toBe(shown)
        expect(Math.abs(read.getTime() / 1000 - at)).toBeLessThanOrEqual(3600)
      }),
    )
  })
})

test.each([
  '2025-06-01',
  '2025-06-01T00:00:00Z',
  '2024-06-02T12:00:01Z',
  '1999-12-31T23:59:59Z',
  '2024-02-30T10:00:00Z',
  '2024-13-01T10:00:00Z',
  '2024-05-01T25:00:00Z',
  '2024-05-01T10:61:00Z',
  '2024-05-01T10:00:00%2B24:00',
  '2024-05-01',
  '17145576',
  '17145576001',
  '99999999999999',
  '1e9',
  'yesterday',
  '{timestamp}',
])('%s is refused with field and fix', (text) => {
  expect(refusalOf({ query: `click_id=c&occurred_at=${text}` })).toMatchObject({
    code: 'invalid_time',
    status: 400,
    field: 'occurred_at',
    fix: expect.any(String),
  })
})

test('up to 24 hours ahead is taken as now, with a note', () => {
  const report = reportOf({ query: 'click_id=c&occurred_at=2024-06-02T12:00:00Z' })
  expect(report).toMatchObject({ occurredAt: NOW, notes: ['occurred_at_clamped'] })
  expect(reportOf({ query: 'click_id=c&occurred_at=2024-06-01T12:00:00Z' }).notes).toEqual([])
})

test('without a time there is none', () => {
  expect(reportOf({ query: 'click_id=c&occurred_at=' }).occurredAt).toBeNull()
})

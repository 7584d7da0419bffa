import { describe, expect, test } from 'vitest'
import type { Conversion, Reported } from '../../../src/intake/conversion.ts'
import {
  hashReport,
  mergeReport,
  type RecentReport,
  recentReport,
  rememberReport,
  withoutOverruled,
} from '../../../src/intake/merge.ts'
import type { Report } from '../../../src/intake/report.ts'
import { newUuid } from '../../../src/kit/ids.ts'
import { reportOf } from '../../support/reports.ts'

const NOW = 1_800_000_000_000
const MINUTE = 60_000

const report = (said: Partial<Report>): Report => reportOf({ transactionId: 't', ...said })

const stored: Conversion = {
  id: 'c',
  advertiserId: 'a',
  byClick: false,
  transactionId: 't',
  event: 'sale',
  clickId: null,
  attribution: null,
  params: {},
  occurredAt: new Date(NOW - 10 * MINUTE),
  status: 'approved',
  reported: { payout: '5', currency: 'USD' },
  payout: '5',
  currency: 'USD',
  saleAmount: null,
  revision: 2,
  note: null,
}

const merge = (said: Partial<Report>, recent: RecentReport[] = [], conversion = stored) =>
  mergeReport({
    stored: conversion,
    report: report(said),
    recent,
    hash: hashReport(report(said)),
    nowMs: NOW,
  })

test('an absent field leaves the stored value', () => {
  expect(merge({ payout: '6' })).toMatchObject({
    kind: 'changed',
    status: 'approved',
    reported: { payout: '6', currency: 'USD' },
  })
})

test('the same amount written otherwise changes nothing', () => {
  expect(merge({ payout: '5.00' })).toEqual({ kind: 'duplicate', note: null })
})

test('rejected becomes approved again', () => {
  expect(merge({ status: 'approved' }, [], { ...stored, status: 'rejected' })).toMatchObject({
    kind: 'changed',
    status: 'approved',
  })
})

test('pending after a decision is stale, even with a new amount', () => {
  expect(merge({ status: 'pending', payout: '9' })).toEqual({ kind: 'duplicate', note: 'stale_status' })
})

test('the exact repeat of an earlier revision is late for 15 minutes, and a real change after them', () => {
  const rejected = { ...stored, status: 'rejected' as const }
  const hash = hashReport(report({ status: 'approved' }))
  expect(merge({ status: 'approved' }, [[hash, 1, NOW - 14 * MINUTE]], rejected)).toEqual({
    kind: 'duplicate',
    note: 'late_repeat',
  })
  expect(merge({ status: 'approved' }, [[hash, 1, NOW - 16 * MINUTE]], rejected)).toMatchObject({
    kind: 'changed',
  })
})

test('a repeat with a newer occurred_at is no repeat', () => {
  const said = { status: 'approved' as const, occurredAt: new Date(NOW) }
  const hash = hashReport(report(said))
  expect(merge(said, [[hash, 1, NOW - MINUTE]], { ...stored, status: 'rejected' })).toMatchObject({
    kind: 'changed',
  })
})

test('a repeat whose occurred_at lay ahead of our clock when it came first is one', () => {
  const said = { status: 'approved' as const, occurredAt: new Date(NOW) }
  const first = recentReport({ report: report(said), hash: hashReport(report(said)) }, 1, NOW - MINUTE)
  const rejected = { ...stored, status: 'rejected' as const, occurredAt: new Date(NOW - MINUTE) }
  expect(merge(said, [first], rejected)).toEqual({ kind: 'duplicate', note: 'late_repeat' })
  expect(merge({ ...said, occurredAt: new Date(NOW + 1) }, [first], rejected)).toMatchObject({
    kind: 'changed',
  })
})

test('what is remembered ends after 15 minutes and stays bounded', () => {
  expect(rememberReport([['old', 1, NOW - 16 * MINUTE]], ['new', 2, NOW])).toEqual([['new', 2, NOW]])
  const many = Array.from({ length: 80 }, (_, n): RecentReport => [`h${n}`, 1, NOW])
  expect(rememberReport(many, ['new', 2, NOW])).toHaveLength(50)
})

describe('a call that is processed again', () => {
  const revision = (atMs: number, reported: Reported) => ({
    ...stored,
    id: newUuid(atMs),
    previousStatus: null,
    reported,
  })
  const old = report({ status: 'approved', payout: '3' })
  const received = new Date(NOW)

  test('still counts where nothing was stated since', () => {
    expect(withoutOverruled(old, [revision(NOW - MINUTE, { status: 'pending' })], received)).toEqual(old)
  })

  test('leaves what was stated since', () => {
    const revisions = [
      revision(NOW - MINUTE, { status: 'pending', payout: '1' }),
      revision(NOW + MINUTE, { status: 'rejected', payout: '1.00' }),
    ]
    expect(withoutOverruled(old, revisions, received)).toEqual({ ...old, status: null })
  })

  test('leaves what was stated since, also where that was taken back', () => {
    const revisions = [
      revision(NOW - MINUTE, { status: 'rejected' }),
      revision(NOW + MINUTE, { status: 'approved' }),
      revision(NOW + 2 * MINUTE, { status: 'rejected' }),
    ]
    expect(withoutOverruled(old, revisions, received)).toEqual({ ...old, status: null })
  })

  test('of a conversion that is younger only adds what it never said', () => {
    const revisions = [revision(NOW + MINUTE, { payout: '7' })]
    expect(withoutOverruled(old, revisions, received)).toEqual({ ...old, payout: null })
  })
})

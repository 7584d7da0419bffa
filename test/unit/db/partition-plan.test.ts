import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  isExpired,
  PARTITIONED_TABLES,
  type PartitionedTable,
  spanAt,
  spanOf,
  wantedSpans,
} from '../../../src/db/partition-plan.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const anyMs = fc.integer({ min: Date.UTC(2000, 0), max: Date.UTC(2100, 0) })
const anyTable = fc.constantFrom(...PARTITIONED_TABLES)
const monthly = PARTITIONED_TABLES.find((table) => table.every === 'month') as PartitionedTable
const weekly = PARTITIONED_TABLES.find((table) => table.every === 'week') as PartitionedTable

test('the wanted partitions cover an hour ago to four periods ahead, without gap or overlap', () => {
  fc.assert(
    fc.property(anyTable, anyMs, fc.boolean(), (table, nowMs, isFirst) => {
      const spans = wantedSpans(table, nowMs, isFirst)
      spans.slice(1).forEach((span, i) => {
        expect(span.fromMs).toBe(spans[i]?.toMs)
      })
      expect(spans[0]?.fromMs).toBeLessThanOrEqual(nowMs - HOUR_MS)
      expect(spans.filter((span) => span.fromMs > nowMs).length).toBeGreaterThanOrEqual(4)
    }),
  )
})

test('on an empty table a delivery of a revision of a month ago has its partition', () => {
  fc.assert(
    fc.property(anyMs, (nowMs) => {
      expect(wantedSpans(monthly, nowMs, true)[0]?.fromMs).toBeLessThanOrEqual(nowMs - 31 * DAY_MS)
    }),
  )
})

test('a span holds its time, starts at midnight UTC of a 1st or a Monday, and is found again by its name', () => {
  fc.assert(
    fc.property(anyTable, anyMs, (table, atMs) => {
      const span = spanAt(table, atMs)
      expect(span.fromMs <= atMs && atMs < span.toMs).toBe(true)
      const from = new Date(span.fromMs)
      expect(span.fromMs % DAY_MS).toBe(0)
      expect(table.every === 'month' ? from.getUTCDate() : from.getUTCDay()).toBe(1)
      expect(spanOf(table, span.name)).toEqual(span)
    }),
  )
})

test('a table that only looks like a partition is not taken for one', () => {
  expect(spanOf(monthly, `${monthly.table}_2025_11_24`)).toBeNull()
  expect(spanOf(weekly, `${weekly.table}_2025_11_25`)).toBeNull()
  expect(spanOf(monthly, `${monthly.table}_old`)).toBeNull()
})

test('a partition expires when its youngest row does, not before', () => {
  const span = spanAt(monthly, Date.UTC(2025, 0, 10))
  const endMs = Date.UTC(2025, 1, 1)
  expect(isExpired(span, endMs + 30 * DAY_MS, 30)).toBe(true)
  expect(isExpired(span, endMs + 30 * DAY_MS - 1, 30)).toBe(false)
})

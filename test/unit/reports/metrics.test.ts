import { expect, test } from 'vitest'
import { createMetrics } from '../../../src/reports/metrics.ts'

const asMap = (growth: { name: string; label: string; value: number }[]) =>
  new Map(growth.map((series) => [`${series.name}{${series.label}}`, series.value]))

test('drain hands over what was counted, once', () => {
  const metrics = createMetrics()
  metrics.conversion('accepted')
  metrics.conversion('accepted', 4)
  metrics.deliveries('scheduled', 2)
  expect(asMap(metrics.drain())).toEqual(
    new Map([
      ['relay_conversions_total{accepted}', 5],
      ['relay_deliveries_total{scheduled}', 2],
    ]),
  )
  expect(metrics.drain()).toEqual([])
})

test('a histogram counts an observation in every bucket that holds it', () => {
  const metrics = createMetrics()
  metrics.acceptSeconds(0.3)
  metrics.acceptSeconds(60)
  const counted = asMap(metrics.drain())
  expect(counted.get('relay_accept_seconds{0.25}')).toBeUndefined()
  expect(counted.get('relay_accept_seconds{0.5}')).toBe(1)
  expect(counted.get('relay_accept_seconds{5}')).toBe(1)
  expect(counted.get('relay_accept_seconds{+Inf}')).toBe(2)
  expect(counted.get('relay_accept_seconds{count}')).toBe(2)
  expect(counted.get('relay_accept_seconds{sum}')).toBeCloseTo(60.3)
})

test('an attempt without a time to the tracker counts only its verdict', () => {
  const metrics = createMetrics()
  metrics.attempt('retry', null)
  expect([...asMap(metrics.drain()).keys()]).toEqual(['relay_attempts_total{retry}'])
})

test('what could not be stored is counted again with what came meanwhile', () => {
  const metrics = createMetrics()
  metrics.conversion('parked', 3)
  const lost = metrics.drain()
  metrics.conversion('parked')
  metrics.restore(lost)
  expect(asMap(metrics.drain()).get('relay_conversions_total{parked}')).toBe(4)
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { planRetry } from '../../../src/deliveries/retry-plan.ts'

const schedule = fc.array(fc.integer({ min: 1000, max: 86_400_000 }), { maxLength: 20 })
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

test('each retry waits within a fifth of its entry in the schedule', () => {
  fc.assert(
    fc.property(schedule, random, (scheduleMs, value) => {
      scheduleMs.forEach((entryMs, retriesUsed) => {
        const delayMs = planRetry({ retriesUsed, scheduleMs, random: value })
        expect(delayMs).toBeGreaterThanOrEqual(Math.floor(entryMs * 0.8))
        expect(delayMs).toBeLessThanOrEqual(Math.ceil(entryMs * 1.2))
      })
    }),
  )
})

test('a schedule of n entries is n retries, then none', () => {
  fc.assert(
    fc.property(schedule, random, fc.nat(100), (scheduleMs, value, more) => {
      const retriesUsed = scheduleMs.length + more
      expect(planRetry({ retriesUsed, scheduleMs, random: value })).toBeNull()
    }),
  )
})

test('the middle of the jitter is the entry itself, and more random never means a shorter wait', () => {
  fc.assert(
    fc.property(random, random, (a, b) => {
      const [low, high] = [Math.min(a, b), Math.max(a, b)].map((value) =>
        planRetry({ retriesUsed: 0, scheduleMs: [10_000], random: value }),
      )
      expect(low).toBeLessThanOrEqual(high ?? 0)
    }),
  )
  expect(planRetry({ retriesUsed: 0, scheduleMs: [10_000], random: 0.5 })).toBe(10_000)
  expect(planRetry({ retriesUsed: 0, scheduleMs: [10_000], random: 0 })).toBe(8000)
})

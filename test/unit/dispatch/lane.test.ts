import { expect, test } from 'vitest'
import { concurrencyAfter, createLane, hasPlace, isIdle, isProven } from '../../../src/dispatch/lane.ts'

test('a lane starts with 2 calls, grows with success to 10 and halves with failures, never below 2', () => {
  let concurrency = createLane('d', 0).concurrency
  expect(concurrency).toBe(2)
  for (let n = 0; n < 20; n++) concurrency = concurrencyAfter(concurrency, 'delivered')
  expect(concurrency).toBe(10)
  const halved = [1, 2, 3, 4].map(() => {
    concurrency = concurrencyAfter(concurrency, 'retry')
    return concurrency
  })
  expect(halved).toEqual([5, 2, 2, 2])
})

test('a refusal is a receiver at work: the lane grows', () => {
  expect(concurrencyAfter(4, 'refused')).toBe(5)
})

test('a lane holds four waiting rows for each call it may make', () => {
  const waiting = (count: number): null[] => Array.from({ length: count }, () => null)
  expect(hasPlace({ concurrency: 2, running: 2, waiting: waiting(7) })).toBe(true)
  expect(hasPlace({ concurrency: 2, running: 2, waiting: waiting(8) })).toBe(false)
  expect(hasPlace({ concurrency: 10, running: 10, waiting: waiting(39) })).toBe(true)
})

test('a success proves a lane for a minute', () => {
  expect(isProven({ deliveredAtMs: null }, 0)).toBe(false)
  expect(isProven({ deliveredAtMs: 1000 }, 60_999)).toBe(true)
  expect(isProven({ deliveredAtMs: 1000 }, 61_001)).toBe(false)
})

test('only a lane without rows is forgotten', () => {
  const idle = { running: 0, waiting: [], usedAtMs: 0 }
  expect(isIdle(idle, 600_001)).toBe(true)
  expect(isIdle(idle, 599_999)).toBe(false)
  expect(isIdle({ ...idle, running: 1 }, 600_001)).toBe(false)
  expect(isIdle({ ...idle, waiting: [1] }, 600_001)).toBe(false)
})

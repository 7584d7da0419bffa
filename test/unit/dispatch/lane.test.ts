import { expect, test } from 'vitest'
import {
  answerMsAfter,
  concurrencyAfter,
  createLane,
  hasPlace,
  isIdle,
  isProven,
  isSlow,
} from '../../../src/dispatch/lane.ts'

const calls = (...startedMs: number[]) => new Set(startedMs.map((ms) => ({ startedMs: ms })))

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
  expect(hasPlace({ concurrency: 2, open: calls(0, 0), waiting: waiting(7) })).toBe(true)
  expect(hasPlace({ concurrency: 2, open: calls(0, 0), waiting: waiting(8) })).toBe(false)
  expect(hasPlace({ concurrency: 10, open: calls(...Array(10).fill(0)), waiting: waiting(39) })).toBe(true)
})

test('a success proves a lane for a minute', () => {
  expect(isProven({ slow: false, deliveredAtMs: null }, 0)).toBe(false)
  expect(isProven({ slow: false, deliveredAtMs: 1000 }, 60_999)).toBe(true)
  expect(isProven({ slow: false, deliveredAtMs: 1000 }, 61_001)).toBe(false)
  expect(isProven({ slow: true, deliveredAtMs: 1000 }, 1000)).toBe(false)
})

test('a lane is slow while a call is open for longer than three usual answers: 250 ms at least, 2 s at most', () => {
  const slow = (answerMs: number, openMs: number): boolean =>
    isSlow({ answerMs, open: calls(1000, 1000 + openMs - 1) }, 1000 + openMs)
  expect([slow(2, 250), slow(2, 251)]).toEqual([false, true])
  expect([slow(400, 1200), slow(400, 1201)]).toEqual([false, true])
  expect([slow(5000, 2000), slow(5000, 2001)]).toEqual([false, true])
  expect(isSlow({ answerMs: null, open: calls() }, 10_000)).toBe(false)
})

test('the usual answer follows what was measured last', () => {
  expect(answerMsAfter(null, 300)).toBe(300)
  expect(answerMsAfter(300, 100)).toBe(260)
})

test('only a lane without rows is forgotten', () => {
  const idle = { open: calls(), waiting: [], usedAtMs: 0 }
  expect(isIdle(idle, 600_001)).toBe(true)
  expect(isIdle(idle, 599_999)).toBe(false)
  expect(isIdle({ ...idle, open: calls(0) }, 600_001)).toBe(false)
  expect(isIdle({ ...idle, waiting: [1] }, 600_001)).toBe(false)
})

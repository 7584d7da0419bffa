import { describe, expect, test } from 'vitest'
import { noCalls, noteCall, shouldOpen } from '../../../src/dispatch/breaker-window.ts'

/** Calls one after the other, from startMs on, everyMs apart; true is a failure. */
function seen(results: readonly boolean[], everyMs: number, startMs = 0) {
  const calls = noCalls()
  for (const [n, failed] of results.entries()) noteCall(calls, failed, startMs + n * everyMs)
  return calls
}
const failures = (count: number): boolean[] => Array(count).fill(true)
const answers = (count: number): boolean[] => Array(count).fill(false)

describe('the breaker opens', () => {
  test('at 20 calls within 60 s of which half failed, not at 19', () => {
    expect(shouldOpen(seen([...answers(9), ...failures(10)], 100))).toBe(false)
    expect(shouldOpen(seen([...answers(10), ...failures(10)], 100))).toBe(true)
  })

  test('not while less than half of the calls failed', () => {
    expect(shouldOpen(seen([...answers(101), ...failures(100)], 10))).toBe(false)
    expect(shouldOpen(seen([...answers(100), ...failures(100)], 10))).toBe(true)
  })

  test('at 10 failures in a row over 30 s, not over less', () => {
    expect(shouldOpen(seen(failures(10), 3400))).toBe(true)
    expect(shouldOpen(seen(failures(10), 3300))).toBe(false)
    expect(shouldOpen(seen(failures(9), 10_000))).toBe(false)
  })

  test('not for failures in a row with an answer between them', () => {
    expect(shouldOpen(seen([...failures(9), false, ...failures(9)], 3500))).toBe(false)
  })
})

test('calls that are older than 60 s count no more', () => {
  const calls = seen(failures(19), 10)
  noteCall(calls, false, 1000)
  noteCall(calls, true, 66_000)
  expect(shouldOpen(calls)).toBe(false)
})

test('what is remembered of a busy destination does not grow with its calls', () => {
  const calls = seen(answers(20_000), 50)
  expect(calls.slots.length).toBeLessThanOrEqual(13)
})

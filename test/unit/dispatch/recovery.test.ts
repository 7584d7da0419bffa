import { describe, expect, test } from 'vitest'
import { countsForMs, isLimited } from '../../../src/dispatch/limits.ts'
import { nextBackoffMs, nextRampRate, rampStart } from '../../../src/dispatch/recovery.ts'

test('probes come after 5 s, then twice as late each time, at most 5 minutes apart', () => {
  const backoffs: number[] = []
  let backoffMs: number | null = null
  for (let n = 0; n < 9; n++) {
    backoffMs = nextBackoffMs(backoffMs)
    backoffs.push(backoffMs / 1000)
  }
  expect(backoffs).toEqual([5, 10, 20, 40, 80, 160, 300, 300, 300])
})

describe('a ramp', () => {
  const answered = { ok: 1, bad: 0, freshWaitMs: 0, isIdle: false }

  test('starts at a tenth of the rate, doubles each second and ends at the rate', () => {
    const rates: (number | null)[] = [rampStart(400)]
    while (rates.at(-1) !== null) rates.push(nextRampRate({ ...answered, rate: rates.at(-1) ?? 0 }, 400))
    expect(rates).toEqual([40, 80, 160, 320, null])
  })

  test('lets at least one row go, however slow the lane', () => {
    expect(rampStart(0.2)).toBe(1)
    expect(nextRampRate({ ...answered, rate: 1, ok: 0, bad: 1 }, 400)).toBe(1)
  })

  test('is halved by a failure, whatever else was answered', () => {
    expect(nextRampRate({ ...answered, rate: 160, ok: 159, bad: 1 }, 400)).toBe(80)
  })

  test('waits for an answer while rows are out, and not while there is nothing to send', () => {
    expect(nextRampRate({ ...answered, rate: 40, ok: 0 }, 400)).toBe(40)
    expect(nextRampRate({ ...answered, rate: 40, ok: 0, isIdle: true }, 400)).toBe(80)
  })

  test('stops to grow while fresh work waits, shrinks while it waits for long, and does not end meanwhile', () => {
    const after = (freshWaitMs: number) => nextRampRate({ ...answered, rate: 320, freshWaitMs }, 400)
    expect([99, 100, 249, 250].map(after)).toEqual([null, 320, 320, 160])
  })
})

test('a call counts for a second, of a slower rate for as long as lies between two', () => {
  expect([1000, 5, 1, 0.5, 0.2].map(countsForMs)).toEqual([1000, 1000, 1000, 2000, 5000])
})

test('a destination with either limit is limited', () => {
  expect([{}, { concurrency: 1 }, { rate_limit: { per_second: 9 } }].map(isLimited)).toEqual([
    false,
    true,
    true,
  ])
})

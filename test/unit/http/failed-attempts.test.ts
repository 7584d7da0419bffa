import { expect, test } from 'vitest'
import { createFailedAttempts } from '../../../src/http/failed-attempts.ts'

const startClock = () => {
  let nowMs = 1000
  return {
    monotonicMs: () => nowMs,
    pass(ms: number) {
      nowMs += ms
    },
  }
}

test('the 21st failure within a minute has to wait for its end, and then counting starts again', () => {
  const clock = startClock()
  const attempts = createFailedAttempts(clock)
  const first = Array.from({ length: 20 }, () => attempts.record('a'))
  expect(first).toEqual(Array(20).fill(null))
  clock.pass(20_500)
  expect(attempts.record('a')).toBe(40)
  expect(attempts.record('b')).toBeNull()
  clock.pass(39_500)
  expect(attempts.record('a')).toBeNull()
})

test('a flood of addresses takes bounded memory and little time, and does not make a known one forgotten soon', () => {
  const clock = startClock()
  const attempts = createFailedAttempts(clock)
  for (let n = 0; n < 20; n++) attempts.record('known')
  for (let n = 0; n < 49_000; n++) attempts.record(`flood-${n}`)
  expect(attempts.record('known')).toBe(60)
  const before = process.memoryUsage().heapUsed
  const cpuBefore = process.cpuUsage()
  for (let n = 0; n < 200_000; n++) attempts.record(`more-${n}`)
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(60_000_000)
  const { user, system } = process.cpuUsage(cpuBefore)
  expect((user + system) / 200_000, 'microseconds per failure').toBeLessThan(10)
})

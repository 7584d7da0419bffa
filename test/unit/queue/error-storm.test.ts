import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createErrorStormGuard } from '../../../src/queue/error-storm.ts'

function setUp() {
  const events: string[] = []
  const lines: { errors: number }[] = []
  const guard = createErrorStormGuard({
    pause: () => events.push('pause'),
    resume: () => events.push('resume'),
    log: { warn: (line: { errors: number }) => void lines.push(line) } as never,
    queue: 'deliver',
    nowMs: () => Date.now(),
  })
  const fail = (times: number, quiet = false): void => {
    for (let i = 0; i < times; i++) guard.onError(new Error('OOM'), quiet)
  }
  return { events, lines, guard, fail }
}

describe('error storm', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('20 errors in a second change nothing, the 21st pauses the worker for a second', () => {
    const { events, fail } = setUp()
    fail(20)
    expect(events).toEqual([])
    fail(10)
    expect(events).toEqual(['pause'])
    vi.advanceTimersByTime(999)
    expect(events).toEqual(['pause'])
    vi.advanceTimersByTime(1)
    expect(events).toEqual(['pause', 'resume'])
  })

  test('errors that come slowly never pause', () => {
    const { events, fail } = setUp()
    for (let second = 0; second < 10; second++) {
      fail(20)
      vi.advanceTimersByTime(1000)
    }
    expect(events).toEqual([])
  })

  test('one line a second says how many errors there were', () => {
    const { lines, fail } = setUp()
    fail(50)
    vi.advanceTimersByTime(1000)
    fail(1)
    expect(lines.map((line) => line.errors)).toEqual([1, 50])
  })

  test('errors that are reported elsewhere count for the pause and are not logged', () => {
    const { events, lines, fail } = setUp()
    fail(21, true)
    expect(events).toEqual(['pause'])
    expect(lines).toEqual([])
  })

  test('a closed guard does not resume', () => {
    const { events, guard, fail } = setUp()
    fail(21)
    guard.close()
    vi.advanceTimersByTime(5000)
    expect(events).toEqual(['pause'])
  })
})

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createSafeHint } from '../../../src/queue/safe-hint.ts'

const BATCH = '0190a0a0-0000-7000-8000-000000000001'

type Pending = { resolve: () => void; reject: (error: Error) => void }

function setUp() {
  const pending: Pending[] = []
  const failures: number[] = []
  let successes = 0
  const hint = createSafeHint({
    backend: {
      add: () => new Promise<void>((resolve, reject) => pending.push({ resolve, reject })),
      outcomeOf: (error) => (error.message === 'certain' ? 'failed' : 'maybe'),
    },
    headroom: {
      addSucceeded: () => {
        successes++
      },
      addFailed: (atMs) => failures.push(atMs),
    },
    nowMs: () => performance.now(),
  })
  return { pending, failures, hint: () => hint('deliver', BATCH), successes: () => successes }
}

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0)

describe('hint', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('an add that worked is added', async () => {
    const { hint, pending, successes } = setUp()
    const outcome = hint()
    await settle()
    pending[0]?.resolve()
    expect(await outcome).toBe('added')
    expect(successes()).toBe(1)
  })

  test('a rejection never throws: the backend says what it means, and the headroom hears of it', async () => {
    const { hint, pending, failures } = setUp()
    const [first, second] = [hint(), hint()]
    await settle()
    pending[0]?.reject(new Error('certain'))
    pending[1]?.reject(new Error('lost'))
    expect(await first).toBe('failed')
    expect(await second).toBe('maybe')
    expect(failures).toHaveLength(2)
  })

  test('an add without an answer is a maybe after two seconds', async () => {
    const { hint } = setUp()
    const outcome = hint()
    await vi.advanceTimersByTimeAsync(2000)
    expect(await outcome).toBe('maybe')
  })

  test('at most 64 adds are on their way; the 65th goes when one of them ends', async () => {
    const { hint, pending } = setUp()
    const outcomes = Array.from({ length: 65 }, hint)
    await settle()
    expect(pending).toHaveLength(64)
    pending[0]?.resolve()
    await settle()
    expect(pending).toHaveLength(65)
    for (const one of pending) one.resolve()
    expect(new Set(await Promise.all(outcomes))).toEqual(new Set(['added']))
  })

  test('an add that got no turn within two seconds certainly failed, and its turn is not lost', async () => {
    const { hint, pending } = setUp()
    const first = Array.from({ length: 64 }, hint)
    await settle()
    const late = hint()
    await vi.advanceTimersByTimeAsync(2000)
    expect(await late).toBe('failed')
    expect(new Set(await Promise.all(first))).toEqual(new Set(['maybe']))
    for (const one of pending) one.resolve()
    await settle()
    const next = Array.from({ length: 64 }, hint)
    await settle()
    expect(pending).toHaveLength(128)
    for (const one of pending) one.resolve()
    expect(new Set(await Promise.all(next))).toEqual(new Set(['added']))
  })
})

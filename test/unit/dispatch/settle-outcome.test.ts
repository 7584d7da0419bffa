import { describe, expect, test } from 'vitest'
import { type Next, nextAfter, type Outcome, shareOf } from '../../../src/deliveries/outcome.ts'
import { type LockedDelivery, settleOutcome } from '../../../src/deliveries/settle-outcome.ts'
import type { Judgement } from '../../../src/deliveries/verdict.ts'
import type { TravellingRow } from '../../../src/dispatch/travelling.ts'

const RETRY: Next = { state: 'scheduled', delayMs: 5000, reason: null, countsRetry: true }
const outcome = (next: Next, row: Partial<TravellingRow> = {}): Outcome => ({
  row: { replayId: null, attemptsCount: 0, batch: { suspect: false }, ...row } as TravellingRow,
  attempt: {} as Outcome['attempt'],
  next,
  floods: false,
})
const SCHEDULED: LockedDelivery = { state: 'scheduled', nextId: null }
const FOLLOWED: LockedDelivery = { state: 'scheduled', nextId: 'newer' }

describe('within the fence', () => {
  test('a retry goes back to due', () => {
    expect(settleOutcome(outcome(RETRY), true, SCHEDULED)).toMatchObject({
      state: 'scheduled',
      due: { delayMs: 5000, share: 1 },
      wakes: null,
    })
  })

  test('a suspect that was not sent stays suspect, a result clears it', () => {
    const suspect = outcome(RETRY, { batch: { suspect: true } as TravellingRow['batch'] })
    expect(settleOutcome({ ...suspect, attempt: null }, true, SCHEDULED).due?.suspect).toBe(true)
    expect(settleOutcome(suspect, true, SCHEDULED).due?.suspect).toBe(false)
  })

  test('a retry with a successor is superseded and never goes to due; the successor is woken', () => {
    expect(settleOutcome(outcome(RETRY), true, FOLLOWED)).toMatchObject({
      state: 'superseded',
      due: null,
      wakes: 'newer',
    })
  })

  test.each(['delivered', 'refused'] as const)('what ends %s wakes its successor', (state) => {
    expect(settleOutcome(outcome({ state }), true, FOLLOWED)).toMatchObject({ state, wakes: 'newer' })
  })

  test('a delivery that is finished already keeps its state, but its successor may travel', () => {
    const settled = settleOutcome(outcome(RETRY), true, { state: 'delivered', nextId: 'newer' })
    expect(settled).toMatchObject({ state: 'delivered', change: null, due: null, wakes: 'newer' })
  })
})

describe('late', () => {
  test.each(['scheduled', 'superseded', 'cancelled'] as const)(
    'a success still moves %s to delivered, and its successor may follow',
    (state) => {
      const settled = settleOutcome(outcome({ state: 'delivered' }), false, { state, nextId: 'newer' })
      expect(settled).toMatchObject({ state: 'delivered', late: true, due: null, wakes: 'newer' })
    },
  )

  test.each(['refused', 'failed', 'delivered', 'skipped'] as const)('nothing moves %s', (state) => {
    const settled = settleOutcome(outcome({ state: 'delivered' }), false, { state, nextId: null })
    expect(settled).toMatchObject({ state, change: null })
  })

  test('anything but a success changes nothing', () => {
    for (const next of [
      RETRY,
      { state: 'refused' },
      { state: 'failed', reason: null, error: null },
    ] as Next[])
      expect(settleOutcome(outcome(next), false, FOLLOWED)).toMatchObject({
        state: 'scheduled',
        change: null,
        due: null,
      })
  })
})

describe('what a judged call means', () => {
  const judged = (judgement: Partial<Judgement>): Judgement => ({
    verdict: 'retry',
    error: 'http_500',
    retryAfterMs: null,
    disable: false,
    ...judgement,
  })

  test('a retry follows the plan and is failed when that is used up', () => {
    expect(nextAfter(judged({}), null, () => 700)).toEqual({ ...RETRY, delayMs: 700 })
    expect(nextAfter(judged({}), null, () => null)).toMatchObject({ state: 'failed' })
  })

  test('Retry-After waits as asked and uses no retry up', () => {
    expect(nextAfter(judged({ retryAfterMs: 30_000 }), null, () => null)).toEqual({
      state: 'scheduled',
      delayMs: 30_000,
      reason: 'receiver_asked',
      countsRetry: false,
    })
  })

  test('Retry-After holds a delivery for 7 days, then it is failed', () => {
    const week = 7 * 24 * 3_600_000
    expect(nextAfter(judged({ retryAfterMs: 1000 }), week, () => 5).state).toBe('scheduled')
    expect(nextAfter(judged({ retryAfterMs: 1000 }), week + 1, () => 5).state).toBe('failed')
  })

  test('a receiver that asks for a second for hours is called every five minutes in the end', () => {
    const delayAfter = (heldForMs: number) => nextAfter(judged({ retryAfterMs: 1000 }), heldForMs, () => 5)
    expect(delayAfter(5000)).toMatchObject({ delayMs: 1000 })
    expect(delayAfter(60_000)).toMatchObject({ delayMs: 6000 })
    expect(delayAfter(10 * 3_600_000)).toMatchObject({ delayMs: 300_000 })
  })

  test('a receiver that asks for no wait is called once a second at most', () => {
    expect(nextAfter(judged({ retryAfterMs: 0 }), null, () => 5)).toMatchObject({ delayMs: 1000 })
  })

  test('410 holds the row and uses no retry up', () => {
    expect(nextAfter(judged({ disable: true }), null, () => null)).toMatchObject({
      state: 'scheduled',
      delayMs: 0,
      countsRetry: false,
    })
  })
})

test('a row waits in the share it came from', () => {
  expect(shareOf({ replayId: null, attemptsCount: 0 }, false)).toBe(0)
  expect(shareOf({ replayId: null, attemptsCount: 0 }, true)).toBe(1)
  expect(shareOf({ replayId: null, attemptsCount: 3 }, false)).toBe(1)
  expect(shareOf({ replayId: 'replay', attemptsCount: 3 }, true)).toBe(2)
})

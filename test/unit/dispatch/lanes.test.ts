import { expect, test } from 'vitest'
import { createLanes, type StartEnd } from '../../../src/dispatch/lanes.ts'

type Call = { destination: string; end(verdict: StartEnd): void }

function setUp(runningMax: number, unprovenRowsMax = 1000) {
  const calls: Call[] = []
  let nowMs = 0
  const lanes = createLanes<string>({
    runningMax,
    unprovenRowsMax,
    clock: { now: () => new Date(nowMs), nowMs: () => nowMs, monotonicMs: () => nowMs },
    start(row) {
      const { promise, resolve } = Promise.withResolvers<StartEnd>()
      calls.push({ destination: row, end: resolve })
      return promise
    },
  })
  return {
    lanes,
    calls,
    later(ms: number) {
      nowMs += ms
    },
    admit(destination: string, count: number): number {
      return Array.from({ length: count }).filter(
        () => lanes.admit(destination, destination, false) === 'placed',
      ).length
    },
    async end(call: Call | undefined, verdict: StartEnd) {
      call?.end(verdict)
      await new Promise(setImmediate)
    },
    started: (destination: string) => calls.filter((call) => call.destination === destination).length,
  }
}

test('a fresh lane starts two calls, keeps eight rows waiting and sends the rest back', () => {
  const { admit, started } = setUp(100)
  expect(admit('a', 20)).toBe(10)
  expect(started('a')).toBe(2)
})

test('rows that the sweeper released always find a place', () => {
  const { lanes } = setUp(100)
  for (let n = 0; n < 100; n++) expect(lanes.admit('a', 'a', true)).toBe('placed')
})

test('proven destinations take turns for the sockets', async () => {
  const { admit, calls, started, end } = setUp(4)
  const destinations = ['a', 'b', 'c']
  for (const destination of destinations) {
    admit(destination, 1)
    await end(calls.at(-1), 'delivered')
  }
  for (const destination of destinations) admit(destination, 10)
  for (let n = 3; n < 15; n++) await end(calls[n], 'delivered')
  expect(Math.min(...destinations.map(started))).toBeGreaterThanOrEqual(5)
})

test('destinations without a success use at most half of the sockets', async () => {
  const { admit, calls, end, started } = setUp(8)
  admit('good', 2)
  await end(calls[0], 'delivered')
  await end(calls[1], 'delivered')
  for (const dead of ['x', 'y', 'z']) admit(dead, 8)
  expect(started('x') + started('y') + started('z')).toBe(4)
  admit('good', 8)
  expect(started('good')).toBe(2 + 2)
})

test('destinations that stop to answer leave half of the sockets to the others before any call timed out', async () => {
  const { admit, calls, end, later, started } = setUp(40)
  for (const destination of ['x', 'y', 'z', 'good']) {
    for (let n = 0; n < 8; n++) {
      admit(destination, 1)
      await end(calls.at(-1), 'delivered')
    }
  }
  for (const dead of ['x', 'y', 'z']) admit(dead, 5)
  later(150)
  admit('good', 1)
  later(150)
  admit('good', 1)
  for (const dead of ['x', 'y', 'z']) admit(dead, 20)
  expect(started('x') + started('y') + started('z')).toBe(3 * 8 + 18)
  admit('good', 8)
  await end(calls.at(-1), 'delivered')
  expect(started('good')).toBe(8 + 10)
})

test('a burst for destinations that died since their last answer leaves sockets to the others', async () => {
  const { admit, calls, end, later, started } = setUp(40)
  const dead = ['v', 'w', 'x', 'y', 'z']
  for (const destination of [...dead, 'good']) {
    for (let n = 0; n < 8; n++) {
      admit(destination, 1)
      await end(calls.at(-1), 'delivered')
    }
  }
  later(1000)
  for (const destination of dead) admit(destination, 30)
  expect(dead.map(started)).toEqual([18, 18, 14, 13, 12])
  admit('good', 8)
  expect(started('good')).toBe(8 + 3)
  await end(calls.at(-1), 'delivered')
  expect(started('good')).toBe(8 + 4)
})

test('after a pause in which nothing was read nobody is held slow at once, but soon after', async () => {
  const { admit, calls, end, later, started } = setUp(12)
  for (let n = 0; n < 8; n++) {
    admit('a', 1)
    await end(calls.at(-1), 'delivered')
  }
  admit('a', 5)
  later(5000)
  admit('b', 2)
  expect(started('b')).toBe(2)
  later(150)
  admit('c', 2)
  expect(started('c')).toBe(0)
})

test('rows for destinations that are not proven find no place over their part of the memory, until some are sent', async () => {
  const { admit, calls, end, lanes } = setUp(100, 20)
  expect(['w', 'x', 'y', 'z'].map((dead) => admit(dead, 10))).toEqual([10, 10, 6, 0])
  expect([lanes.admit('w', 'w', false), lanes.admit('z', 'z', false)]).toEqual(['full', 'crowded'])
  for (const call of [0, 1, 2, 3]) await end(calls[call], 'retry')
  expect(admit('z', 10)).toBe(2 + 4)
})

test('a destination whose last success is a minute old counts as unproven again', async () => {
  const { admit, calls, end, later, started } = setUp(4)
  admit('a', 1)
  await end(calls[0], 'delivered')
  later(61_000)
  admit('a', 8)
  expect(started('a')).toBe(1 + 2)
})

test('a row that was not sent leaves the concurrency of its lane as it was', async () => {
  const { admit, calls, end, lanes } = setUp(100)
  admit('a', 3)
  await end(calls[0], null)
  await end(calls[1], null)
  expect(calls.length).toBe(3)
  expect(lanes.running()).toBe(1)
  expect(admit('a', 20)).toBe(9)
})

test('waiting rows can be taken out, started ones can not', async () => {
  const { lanes, admit, calls, end } = setUp(100)
  admit('a', 5)
  admit('b', 5)
  expect(lanes.takeWaiting((destination) => destination === 'a')).toHaveLength(3)
  await end(calls[0], 'delivered')
  expect(calls.filter((call) => call.destination === 'a')).toHaveLength(2)
  expect(lanes.takeWaiting(() => true)).toHaveLength(3)
})

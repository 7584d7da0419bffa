import { beforeEach, describe, expect, test } from 'vitest'
import { createHeadroom, type Headroom, type Pressure } from '../../../src/queue/headroom.ts'

const calm: Pressure = {
  depths: { deliver: 0, 'deliver-again': 0 },
  liveShards: 1,
  workersAlive: 1,
  waitsMs: { deliver: 0, 'deliver-again': 0 },
}

let headroom: Headroom
const see = (seen: Partial<Pressure> | null): void =>
  headroom.startPoll()(seen === null ? null : { ...calm, ...seen })

beforeEach(() => {
  headroom = createHeadroom()
})

describe('headroom', () => {
  test('there is no room before the first poll', () => {
    expect(headroom.room('deliver', 0)).toBe(0)
  })

  test('a queue takes 200 jobs, counting what waits and what was taken since the poll', () => {
    see({ depths: { deliver: 150, 'deliver-again': 20 } })
    headroom.take('deliver', 30)
    expect(headroom.room('deliver', 0)).toBe(20)
    expect(headroom.room('deliver-again', 0)).toBe(180)
    headroom.take('deliver', 40)
    expect(headroom.room('deliver', 0)).toBe(0)
  })

  test('a poll forgets what was taken before it, and keeps what was taken while it was under way', () => {
    see({})
    headroom.take('deliver', 50)
    const finish = headroom.startPoll()
    headroom.take('deliver', 7)
    finish({ ...calm, depths: { deliver: 40, 'deliver-again': 0 } })
    expect(headroom.room('deliver', 0)).toBe(200 - 40 - 7)
  })

  test('a poll that failed between two does not forget what was taken', () => {
    see({})
    headroom.take('deliver', 50)
    see(null)
    expect(headroom.room('deliver', 0)).toBe(0)
    headroom.take('deliver', 5)
    see({})
    expect(headroom.room('deliver', 0)).toBe(200)
  })

  test('no living worker means no room', () => {
    see({ workersAlive: 0 })
    expect(headroom.room('deliver', 0)).toBe(0)
    see({})
    expect(headroom.room('deliver', 0)).toBe(200)
  })

  test('a queue that is waited in for two seconds closes, and opens again only under half a second', () => {
    see({ waitsMs: { deliver: 1999, 'deliver-again': 0 } })
    expect(headroom.room('deliver', 0)).toBe(200)
    see({ waitsMs: { deliver: 2000, 'deliver-again': 0 } })
    expect(headroom.room('deliver', 0)).toBe(0)
    expect(headroom.room('deliver-again', 0)).toBe(200)
    see({ waitsMs: { deliver: 500, 'deliver-again': 0 } })
    expect(headroom.room('deliver', 0)).toBe(0)
    see({ waitsMs: { deliver: 499, 'deliver-again': 0 } })
    expect(headroom.room('deliver', 0)).toBe(200)
  })

  test('each live shard adds its own 200, and none means no room', () => {
    see({ liveShards: 3 })
    expect(headroom.room('deliver', 0)).toBe(600)
    see({ liveShards: 0 })
    expect(headroom.room('deliver', 0)).toBe(0)
  })

  test('an add that failed closes all queues for a second, each that follows for twice as long, up to 8 s', () => {
    see({})
    let atMs = 0
    for (const pauseMs of [1000, 2000, 4000, 8000, 8000]) {
      headroom.addFailed(atMs)
      headroom.addFailed(atMs + 1)
      expect(headroom.room('deliver', atMs + pauseMs - 1)).toBe(0)
      expect(headroom.room('deliver-again', atMs + pauseMs)).toBe(200)
      atMs += pauseMs
    }
  })

  test('an add that works opens them at once and makes the next pause a short one', () => {
    see({})
    headroom.addFailed(0)
    headroom.addFailed(1000)
    headroom.addSucceeded()
    expect(headroom.room('deliver', 1001)).toBe(200)
    headroom.addFailed(5000)
    expect(headroom.room('deliver', 5999)).toBe(0)
    expect(headroom.room('deliver', 6000)).toBe(200)
  })
})

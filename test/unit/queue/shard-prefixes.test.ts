import { describe, expect, test } from 'vitest'
import { shardPrefixes, slotOf } from '../../../src/queue/shard-prefixes.ts'

describe('shards', () => {
  test('slots are those of the cluster specification', () => {
    expect(slotOf('123456789')).toBe(0x31c3)
    expect(slotOf('foo')).toBe(12_182)
  })

  test.each([1, 2, 3, 5, 16, 64])('%i shards lie one in each of as many equal ranges of slots', (shards) => {
    const slots = shardPrefixes(shards).map((prefix) => slotOf(prefix.slice(1, -1)))
    const ranges = slots.map((slot) => Math.floor((slot * shards) / 16_384))
    expect(ranges).toEqual(Array.from({ length: shards }, (_, i) => i))
  })

  test('one shard has the plain prefix', () => {
    expect(shardPrefixes(1)).toEqual(['{relay-0}'])
  })
})

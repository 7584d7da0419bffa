import { expect, test } from 'vitest'
import { loadConfig } from '../../../config/load.ts'

test('shards without a Redis are refused with the setting and the fix', () => {
  expect(() => loadConfig({ QUEUE_SHARDS: '3' })).toThrow(
    /^QUEUE_SHARDS is 1 where REDIS_URL is not set, not 3: .* set REDIS_URL/,
  )
})

test('shards on a Redis are taken', () => {
  expect(loadConfig({ QUEUE_SHARDS: '3', REDIS_URL: 'redis://127.0.0.1:7000' }).queueShards).toBe(3)
})

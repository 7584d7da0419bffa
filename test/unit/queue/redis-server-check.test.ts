import { describe, expect, test } from 'vitest'
import { readRedisInfo } from '../../../src/queue/redis-server-check.ts'

describe('what INFO says about the server', () => {
  test('Redis 7 is new enough and its eviction policy is read', () => {
    const info =
      '# Server\r\nredis_version:7.0.15\r\nos:Linux\r\n# Memory\r\nmaxmemory_policy:allkeys-lru\r\n'
    expect(readRedisInfo(info)).toEqual({ version: '7.0.15', tooOld: false, evictionPolicy: 'allkeys-lru' })
  })

  test('Redis 6 is too old', () => {
    expect(readRedisInfo('redis_version:6.2.14\r\n').tooOld).toBe(true)
  })

  test('a Valkey is new enough whatever Redis it says to be', () => {
    const info = 'redis_version:6.2.4\r\nserver_name:valkey\r\nvalkey_version:8.0.1\r\n'
    expect(readRedisInfo(info)).toMatchObject({ version: '8.0.1', tooOld: false })
  })

  test('a server that hides INFO is not refused', () => {
    expect(readRedisInfo('')).toEqual({ version: null, tooOld: false, evictionPolicy: null })
  })
})

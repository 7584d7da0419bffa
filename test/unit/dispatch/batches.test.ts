import { expect, test } from 'vitest'
import { afterBatchBackstopMs, leaseBounds } from '../../../src/dispatch/batches.ts'

const DEFAULTS = { leaseMs: 60_000, deliveryTimeoutMs: 10_000 }

test('a call that starts at the end of the send window ends before the lease', () => {
  for (const deliveryTimeoutMs of [250, 1000, 11_000, 60_000])
    for (const leaseMs of [deliveryTimeoutMs + 300, deliveryTimeoutMs + 5000, deliveryTimeoutMs * 10]) {
      const { sendWindowMs } = leaseBounds({ leaseMs, deliveryTimeoutMs })
      expect(sendWindowMs).toBeGreaterThan(0)
      expect(sendWindowMs + deliveryTimeoutMs).toBeLessThan(leaseMs)
    }
})

test('with the default settings a batch is renewed each 12.5 s and may start calls for 40 s', () => {
  expect(leaseBounds(DEFAULTS)).toEqual({
    leaseMs: 60_000,
    sendWindowMs: 40_000,
    renewEveryMs: 12_500,
    renewAgeMaxMs: 50_000,
  })
})

test('the backstop of a successor lies after the last moment at which the older batch can live', () => {
  const { renewAgeMaxMs, leaseMs } = leaseBounds(DEFAULTS)
  expect(afterBatchBackstopMs(DEFAULTS)).toBeGreaterThan(renewAgeMaxMs + leaseMs)
})

import type { Config } from '../../config/schema.ts'

/** Deliveries that travel in one job under one lease. */
export const BATCH_ROWS_MAX = 100

/** How long a batch may wait between its commit and its claim. */
export const TRANSIT_LEASE_MS = 15_000

/** All in ms, between two readings of this process' monotonic clock; Postgres' clock is never compared with ours. */
export type LeaseBounds = {
  /** How far a claim or renewal moves lease_until. */
  leaseMs: number
  /** A call may start only while less than this has passed since the last claim or renewal was sent. */
  sendWindowMs: number
  renewEveryMs: number
  /** An older batch is not renewed: it should be long finished, so something is wrong with it. */
  renewAgeMaxMs: number
}

type LeaseSettings = Pick<Config, 'leaseMs' | 'deliveryTimeoutMs'>

/** What follows from LEASE_MS and DELIVERY_TIMEOUT_MS for a worker that holds batches. */
export function leaseBounds({ leaseMs, deliveryTimeoutMs }: LeaseSettings): LeaseBounds {
  const spareMs = leaseMs - deliveryTimeoutMs
  return {
    leaseMs,
    sendWindowMs: spareMs - Math.min(10_000, spareMs / 3),
    renewEveryMs: Math.min(15_000, spareMs / 4),
    renewAgeMaxMs: batchAgeMaxMs(deliveryTimeoutMs),
  }
}

const batchAgeMaxMs = (deliveryTimeoutMs: number): number => 2 * (deliveryTimeoutMs + TRANSIT_LEASE_MS)

/**
 * When a successor may travel although its after_batch never said it is over: longer than any batch can live
 * (last renewal at its greatest age, then one lease), plus a reserve.
 */
export const afterBatchBackstopMs = ({ leaseMs, deliveryTimeoutMs }: LeaseSettings): number =>
  leaseMs + batchAgeMaxMs(deliveryTimeoutMs) + 40_000

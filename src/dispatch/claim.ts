import { setTimeout as wait } from 'node:timers/promises'
import type { Context } from '../context.ts'
import { isUnavailable } from '../db/database.ts'
import type { Uuid } from '../kit/ids.ts'
import type { QueueName } from '../queue/queues.ts'
import { type LeaseBounds, TRANSIT_LEASE_MS } from './batches.ts'
import { type ClaimedBatch, claimBatch } from './claim-store.ts'
import type { LiveBatch, TravellingRow } from './travelling.ts'

const RETRY_EVERY_MS = 250

type Claim = { batchId: Uuid; queue: QueueName; workerId: Uuid; bounds: LeaseBounds }
export type Claimed = {
  batch: LiveBatch
  rows: TravellingRow[]
  catalogueVersion: number
  storeNowMs: number
  waitMs: number
}

/**
 * Claims a batch for this worker, trying again while Postgres is away and the batch could still be claimed.
 * Null: it is not ours, now or ever. Rejects with what Postgres says where trying again is no use.
 */
export async function claim(ctx: Pick<Context, 'db' | 'clock'>, input: Claim): Promise<Claimed | null> {
  const giveUpAtMs = ctx.clock.monotonicMs() + TRANSIT_LEASE_MS
  for (let again = false; ; again = true) {
    // Read before the statement is sent: the lease can only end later than this reading makes us believe.
    const sentAtMs = ctx.clock.monotonicMs()
    try {
      const claimed = await claimBatch(ctx.db.reads, {
        batchId: input.batchId,
        workerId: input.workerId,
        leaseMs: input.bounds.leaseMs,
        again,
      })
      return claimed === null ? null : toClaimed(input, claimed, sentAtMs)
    } catch (error) {
      if (!isUnavailable(error) || sentAtMs > giveUpAtMs) throw error
      await wait(RETRY_EVERY_MS)
    }
  }
}

function toClaimed(input: Claim, claimed: ClaimedBatch, sentAtMs: number): Claimed {
  const batch: LiveBatch = {
    id: input.batchId,
    queue: input.queue,
    released: claimed.destinationId !== null,
    suspect: claimed.suspect,
    bornAtMs: sentAtMs - claimed.waitMs,
    leasedAtMs: sentAtMs,
    lost: false,
    open: claimed.deliveries.length,
    stranded: false,
  }
  return {
    batch,
    rows: claimed.deliveries.map((delivery) => ({ ...delivery, batch })),
    catalogueVersion: claimed.catalogueVersion,
    storeNowMs: claimed.storeNowMs,
    waitMs: claimed.waitMs,
  }
}

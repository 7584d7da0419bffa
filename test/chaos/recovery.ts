import { setTimeout as wait } from 'node:timers/promises'
import { lowestUuid } from '../../src/kit/ids.ts'
import type { Site } from './site.ts'

const RECOVERY_MS_MAX = 180_000

/**
 * How long after `restoredMs` (unix ms) everything that had been accepted by then was delivered or superseded. Null:
 * not within three minutes.
 */
export async function untilRecovered({ postgres }: Site, restoredMs: number): Promise<number | null> {
  const before = lowestUuid(restoredMs)
  while (Date.now() - restoredMs < RECOVERY_MS_MAX) {
    const left = await postgres
      .query<{ n: number }>(
        `select (select count(*) from due where delivery_id < $1)::int
          + (select count(*) from batches b cross join unnest(b.deliveries) d(id) where d.id < $1)::int as n`,
        [before],
      )
      .catch(() => null)
    if (left?.[0]?.n === 0) return Date.now() - restoredMs
    await wait(250)
  }
  return null
}

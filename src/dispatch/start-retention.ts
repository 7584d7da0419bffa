import type { Context } from '../context.ts'
import { isUnavailable } from '../db/database.ts'
import { dropExpiredPartitions } from '../db/expired-partitions.ts'
import { deleteExpiredRows } from '../db/expired-rows.ts'
import { ensurePartitions } from '../db/partitions.ts'
import { trimUnknownTokenCalls } from '../intake/trim-unknown-token-calls.ts'
import { repeat } from './repeat.ts'
import { readPostgresNowMs } from './store.ts'

const HOUR_MS = 3_600_000

type RetentionContext = Pick<Context, 'config' | 'db' | 'clock' | 'log'>

/** Makes the partitions of the time to come and removes what is past its retention: at start and each hour. */
export function startRetention(ctx: RetentionContext): { close(): Promise<void> } {
  const loop = repeat(
    HOUR_MS,
    () => keepStorage(ctx),
    (err) => {
      if (!isUnavailable(err)) ctx.log.error({ err }, 'retention failed, it is tried again in an hour')
    },
  )
  return { close: () => loop.stop() }
}

async function keepStorage(ctx: RetentionContext): Promise<void> {
  const { config, db } = ctx
  const nowMs = ctx.clock.nowMs()
  await ensurePartitions(db.reads, nowMs)
  const aheadMs = nowMs - (await readPostgresNowMs(db.reads))
  if (Math.abs(aheadMs) > HOUR_MS)
    ctx.log.error({ ahead_ms: aheadMs }, "this machine's clock differs from Postgres' by over an hour")
  const { kept } = await dropExpiredPartitions(db.reads, {
    // A clock that is ahead would drop what is new.
    nowMs: Math.min(nowMs, nowMs - aheadMs),
    retentionDays: config.retentionDays,
    retentionBodiesDays: config.retentionBodiesDays,
  })
  if (kept.length > 0)
    ctx.log.warn(
      { partitions: kept },
      'partitions are past their retention, but unfinished deliveries need them',
    )
  await deleteExpiredRows(db.reads, config)
  await trimUnknownTokenCalls(ctx)
}

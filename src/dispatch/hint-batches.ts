import type { Context } from '../context.ts'
import type { Uuid } from '../kit/ids.ts'
import type { QueueName } from '../queue/queues.ts'
import { endTransit } from './store.ts'

/**
 * Tells the workers of committed batches; nobody waits for it. A hint that surely failed ends the batch's transit lease,
 * so that the sweeper takes its rows over soon; where the job may exist nothing is done.
 */
export function hintBatches(
  ctx: Pick<Context, 'db' | 'log' | 'queues'>,
  queue: QueueName,
  batchIds: readonly Uuid[],
): void {
  void Promise.all(batchIds.map(async (id) => ((await ctx.queues.hint(queue, id)) === 'failed' ? [id] : [])))
    .then(async (failed) => {
      const ids = failed.flat()
      if (ids.length > 0) await endTransit(ctx.db.results, ids)
    })
    .catch((err: unknown) =>
      ctx.log.warn({ err }, 'transit leases could not be ended; they end by themselves'),
    )
}

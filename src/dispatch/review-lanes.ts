import { cancel, giveBack } from '../deliveries/outcome.ts'
import type { DeliveryWorker } from './delivery-worker.ts'
import { isSameLimits } from './limits.ts'
import { travelBanOf } from './travel-ban.ts'

/**
 * Takes out of the lanes what may not start any more: paused, disabled or archived since it was claimed, let go by limits
 * that are others now, its lane blocked by another worker, or its lease too short for a call. Once a second, so that each
 * of these holds within one.
 */
export function reviewLanes(worker: DeliveryWorker): void {
  const { catalogue } = worker.ctx
  const stopped = worker.lanes.takeWaiting(
    (destinationId, { row, limits }) =>
      worker.roads.mode(destinationId) === 'blocked' ||
      !isSameLimits(limits, catalogue.destination(destinationId)?.definition ?? {}) ||
      !worker.live.mayStart(row.batch) ||
      travelBanOf(catalogue, { ...row.facts, ...row }) !== null,
  )
  for (const { row } of stopped) {
    const ban = travelBanOf(catalogue, { ...row.facts, ...row })
    worker.finish(ban === null || ban.cancel === null ? giveBack(row) : cancel(row, ban.cancel))
  }
}

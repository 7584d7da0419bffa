import type { Context } from '../context.ts'
import type { Outcome } from '../deliveries/outcome.ts'
import type { Loaded } from '../deliveries/send.ts'
import type { Uuid } from '../kit/ids.ts'
import type { QueueName } from '../queue/queues.ts'
import type { LeaseBounds } from './batches.ts'
import type { Breakers } from './breakers.ts'
import type { LaneRoads } from './create-roads.ts'
import type { Lanes } from './lanes.ts'
import type { Limits } from './limits.ts'
import type { LiveBatches } from './live-batches.ts'
import type { TravellingRow } from './travelling.ts'

/** A row in a lane, with what was loaded for its rendering and its destination's limits as they were then. */
export type LaneRow = { row: TravellingRow; loaded: Loaded; limits: Limits }

/** The parts of one delivering process, for the use cases that its timers and jobs run. */
export type DeliveryWorker = {
  readonly id: Uuid
  readonly ctx: Pick<Context, 'db' | 'clock' | 'log' | 'catalogue'>
  readonly bounds: LeaseBounds
  readonly live: LiveBatches
  readonly lanes: Lanes<LaneRow>
  readonly roads: LaneRoads
  readonly breakers: Breakers
  /** Batches whose claim is under way: a doubled hint must not claim what the first is claiming. */
  readonly claiming: Set<Uuid>
  /** Longest wait between commit and claim since the last heartbeat, ms. */
  readonly waitsMs: Record<QueueName, number>
  finish(outcome: Outcome): void
  /** What a claim says about Postgres' clock (unix ms). */
  noteStoreTime(storeNowMs: number): void
  isStopping(): boolean
}

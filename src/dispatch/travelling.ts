import type { DeliveryFacts } from '../deliveries/facts.ts'
import type { Uuid } from '../kit/ids.ts'
import type { QueueName } from '../queue/queues.ts'
import type { LaneMode } from './store.ts'

/** A batch that this process has claimed and not finished. */
export type LiveBatch = {
  readonly id: Uuid
  readonly queue: QueueName
  /** Set by the sweeper for a lane that is not direct: its rows may travel although the lane is paced. */
  readonly released: boolean
  /** Its rows were on board when another worker died: render and judge them in a thread. */
  readonly suspect: boolean
  /** Monotonic ms of its commit, as far as the claim tells. */
  readonly bornAtMs: number
  /** Monotonic ms, read before the last claim or renewal was sent. */
  leasedAtMs: number
  /** Another process may have it: nothing of it starts any more. */
  lost: boolean
  /** Rows whose outcome is not committed yet. */
  open: number
  /** A row of it was given up: its outcome can't be stored, so the batch is left to the takeover. */
  stranded: boolean
}

/** What a claim returns about one delivery. */
export type ClaimedDelivery = {
  destinationId: Uuid
  advertiserId: Uuid
  laneMode: LaneMode
  attemptsCount: number
  retriesUsed: number
  replayId: Uuid | null
  /** Of the replay that re-opened it; null without one. */
  replayRender: 'current' | 'original' | null
  /** Since its first Retry-After answer; null if there was none. */
  heldForMs: number | null
  facts: DeliveryFacts
}

/** One delivery between its claim and the commit of its outcome. */
export type TravellingRow = ClaimedDelivery & { readonly batch: LiveBatch }

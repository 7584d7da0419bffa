import type { Uuid } from '../kit/ids.ts'

/** `deliver` carries fresh batches from intake, `deliver-again` what the sweeper releases. */
export type QueueName = 'deliver' | 'deliver-again'
export const QUEUE_NAMES = ['deliver', 'deliver-again'] as const satisfies QueueName[]

/** How an enqueue ended; `maybe`: the reply was lost, the job may exist. */
export type HintOutcome = 'added' | 'failed' | 'maybe'

/**
 * BullMQ behind one face, on Redis or on Postgres. Jobs are hints: each carries only a batch id, and nothing is
 * lost if one is lost, doubled or resurrected.
 */
export type Queues = {
  readonly backend: 'redis' | 'postgres'
  /** Adds one job for the batch. Never throws, never waits longer than two seconds. */
  hint(queue: QueueName, batchId: Uuid): Promise<HintOutcome>
  /**
   * How many more jobs the queue may take now (conveyor headroom); 0 while it is deep, slow, without a living
   * worker, or its depth is unknown. Synchronous and cheap: asked before every flush.
   */
  room(queue: QueueName): number
  /** Takes the room that `room` promised; the next depth poll corrects it. */
  take(queue: QueueName, jobs: number): void
  /** Starts BullMQ workers of both queues. `run` ends when the batch's rows are in memory, never when they are sent. */
  work(run: (queue: QueueName, batchId: Uuid) => Promise<void>): QueueWorkers
  /** For /readyz: null while the backend answers, else why not. */
  problem(): string | null
  close(): Promise<void>
}

export type QueueWorkers = { close(): Promise<void> }

import type { JobsOptions, WorkerOptions } from 'bullmq'
import type { Uuid } from '../kit/ids.ts'
import type { HintOutcome, QueueName, QueueWorkers } from './queues.ts'

export type QueueDepths = Record<QueueName, number>

/** Brings a batch's rows into memory; ends then, not when they are sent. */
export type RunBatch = (queue: QueueName, batchId: Uuid) => Promise<void>

/** What differs between Redis and Postgres; create-queues.ts adds deadlines and headroom. */
export type QueueBackend = {
  readonly kind: 'redis' | 'postgres'
  /** Adds one job. Rejects where it could not, or where the reply was lost; settles within a few seconds. */
  add(queue: QueueName, batchId: Uuid): Promise<void>
  /** What a rejection of add means: `failed` only where the job certainly does not exist. */
  outcomeOf(error: Error): Exclude<HintOutcome, 'added'>
  /** Waiting jobs of both queues, in one round trip. Rejects while the backend does not answer. */
  depths(): Promise<QueueDepths>
  /** How many BullMQ queues stand behind each name and take jobs right now. */
  liveShards(): number
  work(run: RunBatch): QueueWorkers
  /** Null while the backend answers, else one sentence. */
  problem(): string | null
  close(): Promise<void>
}

/** The job holds nothing but the batch's id, which is its own id too: a doubled add is one job. */
export type BatchJob = { batch: Uuid }

export const JOB_OPTIONS = {
  attempts: 1,
  removeOnComplete: true,
  removeOnFail: true,
} as const satisfies JobsOptions

export const STREAM_OPTIONS = { events: { maxLen: 100 } } as const

/**
 * BullMQ's locks and stalls carry no guarantee here (batches have leases), so a stalled job is dropped, never run
 * again; drainDelay bounds how long a wake-up that got lost keeps a job waiting.
 */
export const WORKER_OPTIONS = {
  concurrency: 4,
  runRetryDelay: 1000,
  drainDelay: 1,
  stalledInterval: 15_000,
  lockDuration: 30_000,
  maxStalledCount: 0,
  removeOnComplete: { count: 0 },
  removeOnFail: { count: 0 },
} as const satisfies Partial<WorkerOptions>

import { setTimeout as wait } from 'node:timers/promises'
import type { Context } from '../context.ts'
import { isRefusedValue, isUnavailable, sqlState } from '../db/database.ts'
import type { LiveBatches } from '../dispatch/live-batches.ts'
import type { LiveBatch } from '../dispatch/travelling.ts'
import type { Uuid } from '../kit/ids.ts'
import type { Outcome } from './outcome.ts'
import type { Settlement } from './settle-outcome.ts'
import { type FlushContext, writeOutcomesOnce } from './write-outcomes.ts'

const FLUSHERS = 2
const OUTCOMES_MAX = 500
const LINGER_MS = 15
const RETRY_EVERY_MS = 250
const OWN_ERRORS_MAX = 8
const NOT_STORABLE = 'outcome_not_storable'

export type ResultFlush = {
  /** Commits it soon, and as often as it takes. */
  push(outcome: Outcome): void
  /** Resolves when all that was pushed is committed. */
  drained(): Promise<void>
}

type Options = { workerId: string; live: LiveBatches }

/**
 * Group commit of outcomes. A batch keeps to one of the flushers, so that they never wait for each other's batch locks
 * and the last outcome of a batch always knows that it is the last.
 */
export function createResultFlush(
  ctx: FlushContext & Pick<Context, 'metrics'>,
  options: Options,
): ResultFlush {
  const flushers = Array.from({ length: FLUSHERS }, () => createFlusher(ctx, options))
  const flusherOf = new WeakMap<LiveBatch, Flusher>()
  let turn = 0
  return {
    push(outcome) {
      const { batch } = outcome.row
      let flusher = flusherOf.get(batch)
      if (flusher === undefined) {
        flusher = flushers[turn++ % FLUSHERS] ?? createFlusher(ctx, options)
        flusherOf.set(batch, flusher)
      }
      flusher.push(outcome)
    },
    async drained() {
      await Promise.all(flushers.map((flusher) => flusher.drained()))
    },
  }
}

/**
 * The next outcomes to commit together, at most one of each delivery: a worker may hold a row twice, in a batch that it
 * lost and in one that it claimed since, and those two outcomes must not meet in one statement.
 */
function takeGroup(waiting: readonly Outcome[]): { group: Outcome[]; rest: Outcome[] } {
  const group = new Map<Uuid, Outcome>()
  const rest: Outcome[] = []
  for (const outcome of waiting) {
    const { deliveryId } = outcome.row.facts
    if (group.size < OUTCOMES_MAX && !group.has(deliveryId)) group.set(deliveryId, outcome)
    else rest.push(outcome)
  }
  return { group: [...group.values()], rest }
}

type Flusher = { push(outcome: Outcome): void; drained(): Promise<void> }

function createFlusher(ctx: FlushContext & Pick<Context, 'metrics'>, { workerId, live }: Options): Flusher {
  let waiting: Outcome[] = []
  let running: Promise<void> | null = null

  const run = async (): Promise<void> => {
    while (waiting.length > 0) {
      if (waiting.length < OUTCOMES_MAX) await wait(LINGER_MS)
      const { group, rest } = takeGroup(waiting)
      waiting = rest
      await commit(group)
    }
  }

  const commit = async (group: Outcome[]): Promise<void> => {
    const settlements = await writeUntilDone(ctx, workerId, group)
    if (settlements !== null) {
      count(ctx, settlements)
      live.settle(group.map((outcome) => outcome.row))
      return
    }
    const [only, ...others] = group
    if (only !== undefined && others.length === 0) return commitGuilty(only)
    await commit(group.slice(0, group.length >> 1))
    await commit(group.slice(group.length >> 1))
  }

  const commitGuilty = async (outcome: Outcome): Promise<void> => {
    const milder = withoutGuilt(outcome)
    ctx.log.error({ delivery: outcome.row.facts.deliveryId }, 'an outcome can not be stored as it is')
    if (milder !== null) return commit([milder])
    // Nothing is left to leave out: its lease will end, and the sweeper takes it over.
    outcome.row.batch.stranded = true
    live.settle([outcome.row])
  }

  return {
    push(outcome) {
      waiting.push(outcome)
      running ??= run().finally(() => {
        running = null
      })
    },
    async drained() {
      while (running !== null) await running
    },
  }
}

/**
 * Null: Postgres refuses something in these rows (SQLSTATE 22, 23, 54), or one of them makes us throw again and again.
 * Everything else is tried for ever.
 */
async function writeUntilDone(
  ctx: FlushContext,
  workerId: string,
  group: readonly Outcome[],
): Promise<Settlement[] | null> {
  for (let tries = 0; ; tries++) {
    try {
      return await writeOutcomesOnce(ctx, workerId, group)
    } catch (err) {
      if (isRefusedValue(err)) return null
      if (!isUnavailable(err) || tries % 40 === 0)
        ctx.log.error({ err, outcomes: group.length }, 'outcomes could not be committed, trying again')
      if (sqlState(err) === null && !isUnavailable(err) && tries >= OWN_ERRORS_MAX) return null
      await wait(RETRY_EVERY_MS)
    }
  }
}

/** Next try of a row that Postgres refuses: without what the receiver wrote, then as failed; null: tried both. */
function withoutGuilt(outcome: Outcome): Outcome | null {
  const { attempt, next } = outcome
  if (attempt !== null && (attempt.request !== null || attempt.response !== null))
    return { ...outcome, attempt: { ...attempt, request: null, response: null } }
  if (next.state === 'failed' && next.reason === NOT_STORABLE) return null
  const error = 'The outcome could not be stored.'
  return { ...outcome, attempt: null, next: { state: 'failed', reason: NOT_STORABLE, error } }
}

function count(ctx: Pick<Context, 'metrics'>, settlements: readonly Settlement[]): void {
  for (const { change, state } of settlements)
    if (change !== null && state !== 'scheduled') ctx.metrics.deliveries(state)
}

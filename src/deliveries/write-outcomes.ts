import type { Context } from '../context.ts'
import { type Tx, withTx } from '../db/database.ts'
import { changeLanes } from '../dispatch/change-lanes.ts'
import { sortWakes, wakeOf } from '../dispatch/wake.ts'
import { lockConversions, redecide } from '../intake/redecide.ts'
import type { Uuid } from '../kit/ids.ts'
import { laneChangesOf } from './lane-changes.ts'
import type { Outcome } from './outcome.ts'
import { type Settlement, settleOutcome } from './settle-outcome.ts'
import { fenceRows, listStoredAttempts, lockDeliveries, type OutcomeWrite, writeOutcomes } from './store.ts'

/** What a flush runs on. */
export type FlushContext = Pick<Context, 'db' | 'catalogue' | 'log'>

/**
 * Commits up to 500 outcomes in one transaction and returns what became of them. Lock order: conversion keys, batches,
 * deliveries, due, lanes; each by id. Rejects with what Postgres says; nothing is written then.
 */
export function writeOutcomesOnce(
  ctx: FlushContext,
  workerId: Uuid,
  outcomes: readonly Outcome[],
): Promise<Settlement[]> {
  const sorted = outcomes.toSorted((a, b) => compare(idOf(a), idOf(b)))
  return withTx(ctx.db.results, async (tx) => {
    const ended = sorted.filter(({ next }) => isUnsent(next.state))
    if (ended.length > 0)
      await ctx.catalogue.upTo(
        await lockConversions(
          tx,
          ended.map(({ row }) => row.facts.conversionId),
        ),
      )
    const settlements = await settleAll(tx, workerId, sorted)
    if (settlements.length === 0) return settlements
    tx.withCommit(writeOutcomes(tx, toWrite(ctx, outcomes, settlements)))
    await changeLanes(tx, laneChangesOf(ctx.catalogue, settlements))
    const again = settlements.filter(hasEndedUnsent)
    if (again.length > 0)
      await redecide(
        tx,
        ctx,
        again.map(({ outcome: { row } }) => ({
          conversionId: row.facts.conversionId,
          destinationId: row.destinationId,
        })),
      )
    return settlements
  })
}

async function settleAll(tx: Tx, workerId: Uuid, sorted: readonly Outcome[]): Promise<Settlement[]> {
  const [fenced, locked] = await Promise.all([
    fenceRows(
      tx,
      workerId,
      sorted.map((one) => ({ deliveryId: idOf(one), batchId: one.row.batch.id })),
    ),
    lockDeliveries(tx, sorted.map(idOf)),
  ])
  const late = sorted.filter((one) => !fenced.has(idOf(one)))
  const stored = late.length === 0 ? new Set() : await listStoredAttempts(tx, attemptsOf(late))
  return sorted.flatMap((outcome) => {
    const isFenced = fenced.has(idOf(outcome))
    const delivery = locked.get(idOf(outcome))
    // Late without a new attempt: there is nothing to say, and no right to move the row.
    const isSaid = isFenced || (outcome.attempt !== null && !stored.has(outcome.attempt.id))
    return delivery === undefined || !isSaid ? [] : [settleOutcome(outcome, isFenced, delivery)]
  })
}

const attemptsOf = (outcomes: readonly Outcome[]): { id: Uuid; deliveryId: Uuid }[] =>
  outcomes.flatMap((one) => (one.attempt === null ? [] : [{ id: one.attempt.id, deliveryId: idOf(one) }]))

function toWrite(
  ctx: Pick<Context, 'catalogue'>,
  outcomes: readonly Outcome[],
  settlements: readonly Settlement[],
): OutcomeWrite {
  const rowsLeft = new Map<Outcome['row']['batch'], number>()
  for (const { row } of outcomes) rowsLeft.set(row.batch, (rowsLeft.get(row.batch) ?? row.batch.open) - 1)
  const batchIds = (isFinished: boolean): Uuid[] =>
    [...rowsLeft]
      .filter(([batch, left]) => (left === 0 && !batch.stranded) === isFinished)
      .map(([batch]) => batch.id)
  const fencedBatches = new Set(settlements.filter((one) => !one.late).map((one) => one.outcome.row.batch.id))
  return {
    settlements,
    wakes: sortWakes(
      settlements.flatMap(({ wakes, late, outcome }) =>
        wakes === null ? [] : [{ ...wakeOf(ctx.catalogue, wakes, outcome.row.destinationId), isFree: !late }],
      ),
    ),
    finished: batchIds(true).filter((id) => fencedBatches.has(id)),
    shrunk: batchIds(false).filter((id) => fencedBatches.has(id)),
  }
}

/** Ended here without having reached the tracker: what counted as sent while it travelled did not arrive. */
const hasEndedUnsent = ({ late, change, state }: Settlement): boolean =>
  !late && change !== null && isUnsent(state)

const isUnsent = (state: string): boolean => UNSENT.includes(state)
const UNSENT = ['refused', 'failed', 'skipped']

const idOf = (outcome: Outcome): Uuid => outcome.row.facts.deliveryId
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

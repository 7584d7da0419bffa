import type { Context } from '../context.ts'
import type { Tx } from '../db/database.ts'
import { newUuid, type Uuid } from '../kit/ids.ts'
import { groupIntoBatches } from './group-batches.ts'
import { hintBatches } from './hint-batches.ts'
import { asLeader } from './leader.ts'
import { ROWS_AGAIN_MAX } from './live-batches.ts'
import { cancelDeliveries, type DueRow, FIRST_DESTINATION, insertBatches, takeDue } from './sweep-store.ts'
import { travelBanOf } from './travel-ban.ts'

const DESTINATIONS_MAX = 500
/** Rows of one direct destination in one sweep: as much as its warm lane holds, less where many share the room. */
const ROWS_MAX = 40
const ROWS_MIN = 10
const ROWS_SHARED = 5000
/** Rows of one paced destination while it has no live batch. */
const PACED_ROWS_MAX = 100
/** Rows of one destination with a rate limit that travel at a time. */
const RATED_ROWS_MAX = 500
/** Of all paced and limited ones together: half of what a worker has room for. */
const ALONE_ROWS_MAX = ROWS_AGAIN_MAX / 2
/** Rate limits are spread over the sweeps of a second; a little more makes up for a sweep that came late. */
const SPREAD = 1.25

export type SweepContext = Pick<Context, 'db' | 'catalogue' | 'clock' | 'log' | 'queues'>

/** Where the sweep goes on, and how many destinations its last round saw. */
export type SweepState = {
  cursor: Uuid
  seen: number
  seenBefore: number
  /** Monotonic ms of the present sweep, and the seconds since the one before. */
  sweptAtMs: number
  seconds: number
}

export const newSweepState = (): SweepState => ({
  cursor: FIRST_DESTINATION,
  seen: 0,
  seenBefore: 0,
  sweptAtMs: 0,
  seconds: 1,
})

type Pass = { batchIds: Uuid[]; destinations: number; last: Uuid | null }

/**
 * One round over the destinations with due rows, 500 at a time, as long as the queue has room: batches are made, their
 * jobs added. Ends at the last destination; without room the next round goes on where this one stopped. Null: another
 * process leads.
 */
export async function sweep(
  ctx: SweepContext,
  { holder, state, transitLeaseMs }: { holder: Uuid; state: SweepState; transitLeaseMs: number },
): Promise<number | null> {
  noteTime(state, ctx.clock.monotonicMs())
  let made = 0
  for (;;) {
    const room = ctx.queues.room('deliver-again')
    const destinationsMax = Math.min(DESTINATIONS_MAX, room)
    const pass = await asLeader(ctx, holder, async (tx) =>
      room === 0 ? 'no_room' : sweepSome(ctx, tx, { state, destinationsMax, room, transitLeaseMs }),
    )
    if (pass === null) return null
    if (pass === 'no_room') return made
    ctx.queues.take('deliver-again', pass.batchIds.length)
    hintBatches(ctx, 'deliver-again', pass.batchIds)
    made += pass.batchIds.length
    if (moveOn(state, pass, destinationsMax)) return made
  }
}

function noteTime(state: SweepState, nowMs: number): void {
  state.seconds = Math.min(1, (nowMs - state.sweptAtMs) / 1000)
  state.sweptAtMs = nowMs
}

/** True at the end of a round. */
function moveOn(state: SweepState, pass: Pass, destinationsMax: number): boolean {
  state.seen += pass.destinations
  if (pass.destinations === destinationsMax && pass.last !== null) {
    state.cursor = pass.last
    return false
  }
  state.cursor = FIRST_DESTINATION
  state.seenBefore = state.seen
  state.seen = 0
  return true
}

async function sweepSome(
  ctx: SweepContext,
  tx: Tx,
  input: { state: SweepState; destinationsMax: number; room: number; transitLeaseMs: number },
): Promise<Pass> {
  const { state } = input
  const shared = Math.floor(ROWS_SHARED / Math.max(1, state.seen, state.seenBefore))
  const taken = await takeDue(tx, {
    cursor: state.cursor,
    destinationsMax: input.destinationsMax,
    rowsMax: Math.max(ROWS_MIN, Math.min(ROWS_MAX, shared)),
    pacedRowsMax: PACED_ROWS_MAX,
    suspectsMax: input.room,
    ratedRowsMax: RATED_ROWS_MAX,
    aloneRowsMax: ALONE_ROWS_MAX,
    seconds: SPREAD * state.seconds,
  })
  // A destination may have been made or restored since the lead was taken: by an older catalogue its rows would be cancelled.
  await ctx.catalogue.upTo(taken.catalogueVersion)
  const scheduled = taken.rows.filter((row) => row.isScheduled)
  const cancelled = scheduled.flatMap((row) => cancelOf(ctx, row))
  if (cancelled.length > 0) await cancelDeliveries(tx, cancelled)
  const gone = new Set(cancelled.map((row) => row.deliveryId))
  const batches = groupIntoBatches(scheduled.filter((row) => !gone.has(row.deliveryId))).map((batch) => ({
    ...batch,
    id: newUuid(ctx.clock.nowMs()),
  }))
  if (batches.length > 0) await insertBatches(tx, batches, input.transitLeaseMs)
  return {
    batchIds: batches.map((batch) => batch.id),
    destinations: taken.destinations,
    last: taken.last,
  }
}

/** What was archived while it waited. */
function cancelOf({ catalogue }: SweepContext, row: DueRow): { deliveryId: Uuid; reason: string }[] {
  const reason = travelBanOf(catalogue, row)?.cancel ?? null
  return reason === null ? [] : [{ deliveryId: row.deliveryId, reason }]
}

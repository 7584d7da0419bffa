import type { Context } from '../context.ts'
import { compileDestination } from '../destinations/compile.ts'
import type { RenderedRequest } from '../destinations/render.ts'
import type { TravellingRow } from '../dispatch/travelling.ts'
import type { Uuid } from '../kit/ids.ts'
import type { Loaded } from './send.ts'
import { listLastRequests, listPayoutDueBefore } from './store.ts'

const NOTHING: Loaded = { hasPayoutDue: false, original: null }

/**
 * What only some rows of a batch need to be rendered: payout_due last delivered, for templates with {payout_delta} (put
 * into the row's facts); the recorded request, for replays of the original. One query each, and only if one is needed.
 */
export async function loadForRendering(
  ctx: Pick<Context, 'db' | 'catalogue'>,
  rows: readonly TravellingRow[],
): Promise<Map<Uuid, Loaded>> {
  const delta = rows.filter((row) => usesPayoutDelta(ctx, row))
  const originals = rows.filter((row) => row.replayRender === 'original')
  const loaded = new Map(rows.map((row) => [row.facts.deliveryId, NOTHING]))
  if (delta.length > 0) await loadPayoutDue(ctx, delta, loaded)
  if (originals.length > 0) await loadOriginals(ctx, originals, loaded)
  return loaded
}

const usesPayoutDelta = ({ catalogue }: Pick<Context, 'catalogue'>, row: TravellingRow): boolean => {
  const destination = catalogue.destination(row.destinationId)
  return destination !== undefined && compileDestination(destination.definition).usesPayoutDelta
}

async function loadPayoutDue(
  { db }: Pick<Context, 'db'>,
  rows: readonly TravellingRow[],
  loaded: Map<Uuid, Loaded>,
): Promise<void> {
  const before = await listPayoutDueBefore(
    db.reads,
    rows.map(({ facts, destinationId }) => ({ ...facts, destinationId })),
  )
  for (const row of rows) {
    const { deliveryId } = row.facts
    row.facts = { ...row.facts, payoutDueBefore: before.get(deliveryId) ?? null }
    loaded.set(deliveryId, { ...NOTHING, ...loaded.get(deliveryId), hasPayoutDue: true })
  }
}

async function loadOriginals(
  { db }: Pick<Context, 'db'>,
  rows: readonly TravellingRow[],
  loaded: Map<Uuid, Loaded>,
): Promise<void> {
  const requests = await listLastRequests(
    db.reads,
    rows.map((row) => row.facts.deliveryId),
  )
  for (const { facts } of rows) {
    // Written by writeOutcomes from a RenderedRequest.
    const original = (requests.get(facts.deliveryId) as RenderedRequest | undefined) ?? null
    loaded.set(facts.deliveryId, { ...NOTHING, ...loaded.get(facts.deliveryId), original })
  }
}

import type { Context } from '../context.ts'
import { isUnavailable, type Tx, withTx } from '../db/database.ts'
import { hintBatches } from '../dispatch/hint-batches.ts'
import type { Uuid } from '../kit/ids.ts'
import { attributionByClick, type Click } from './attribution.ts'
import { type ConversionPlan, planRevisions, type StoredConversion } from './plan-revisions.ts'
import { planTravelOf } from './plan-travel-of.ts'
import { findClicks, lockConversions } from './store.ts'
import { loadStored } from './stored-conversions.ts'
import {
  deleteUnsettled,
  giveUpUnsettled,
  listDueUnsettled,
  lockUnsettled,
  postponeUnsettled,
  wakeOthers,
} from './unsettled-store.ts'
import { writePlan } from './write.ts'

type SettleContext = Pick<Context, 'config' | 'log' | 'clock' | 'db' | 'catalogue' | 'queues' | 'roads'>

/** The offer that the late click leads to belongs to another advertiser: nobody earns, people decide. */
const OTHER_ADVERTISER = 'offer_of_other_advertiser'
const ROWS_MAX = 200
/** One call ends within some seconds. */
const ROUNDS_MAX = 10

/**
 * Tries the parked conversions whose time has come: where the click is known by now, all their revisions are priced and
 * fanned out in order in one transaction; the others wait longer. Called by the sweeper each tick; several processes may
 * call it at once. Returns how many were looked at. Rejects where Postgres is away.
 */
export async function settleDue(ctx: SettleContext): Promise<number> {
  let seen = 0
  // A tick's pause after each round would be the limit of a network with many unknown clicks, and what a click has just
  // woken stands behind all that is only looked at again.
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    const due = await listDueUnsettled(ctx.db.reads, ROWS_MAX)
    if (due.length > 0) await settleAll(ctx, due)
    seen += due.length
    if (due.length < ROWS_MAX) break
  }
  return seen
}

/** What can't be settled waits for its next try alone, and is not in the others' way. */
async function settleAll(ctx: SettleContext, conversionIds: readonly Uuid[]): Promise<void> {
  try {
    hintBatches(ctx, 'deliver', await withTx(ctx.db.intake, (tx) => settle(ctx, tx, conversionIds)))
  } catch (err) {
    if (isUnavailable(err)) throw err
    const half = conversionIds.length >> 1
    if (half > 0) {
      await settleAll(ctx, conversionIds.slice(0, half))
      await settleAll(ctx, conversionIds.slice(half))
      return
    }
    ctx.log.error({ err, conversion: conversionIds[0] }, 'a parked conversion can not be settled')
    await withTx(ctx.db.intake, (tx) => postponeUnsettled(tx, conversionIds, ctx.config.parkedDays))
  }
}

/** Locks keys, then the unsettled rows again: a flush may have settled some since they were listed. */
async function settle(ctx: SettleContext, tx: Tx, conversionIds: readonly Uuid[]): Promise<Uuid[]> {
  const catalogueVersion = await lockConversions(tx, conversionIds)
  await ctx.catalogue.upTo(catalogueVersion)
  const due = await lockUnsettled(tx, conversionIds)
  const clicks = await findClicks(
    tx,
    due.flatMap(({ clickId }) => (clickId === null ? [] : [clickId])),
  )
  const known = due.filter(({ clickId }) => clickId !== null && clicks.has(clickId))
  const stored = await loadStored(
    tx,
    known.map(({ conversionId }) => conversionId),
  )
  const plans: ConversionPlan[] = []
  const refused: Uuid[] = []
  for (const { conversionId, clickId } of known) {
    const conversion = stored.get(conversionId)
    const click = clicks.get(clickId ?? '')
    const plan = conversion && click ? planByClick(ctx, conversion, click) : null
    if (plan === null) refused.push(conversionId)
    else plans.push(plan)
  }
  const travel = await planTravelOf(ctx, tx, plans, ctx.clock.nowMs())
  const conversions = plans.map((plan) => ({ plan, inboundCallId: null }))
  const keys = plans.map(({ conversion }) => ({
    conversionId: conversion.id,
    revision: conversion.revision,
    clickId: null,
    recent: null,
  }))
  await writePlan(tx, { inbound: [], conversions, keys, travel, catalogueVersion })
  // Retention took the revisions that waited: nothing is left to fan out, and nothing to look for each tick.
  await deleteUnsettled(
    tx,
    plans.filter((plan) => plan.settled.length === 0).map((plan) => plan.conversion.id),
  )
  await giveUpUnsettled(tx, refused, OTHER_ADVERTISER)
  await postponeUnsettled(
    tx,
    due.filter((row) => !known.includes(row)).map(({ conversionId }) => conversionId),
    ctx.config.parkedDays,
  )
  // The click itself wakes only the first of them.
  await wakeOthers(tx, [...new Set(known.flatMap(({ clickId }) => clickId ?? []))], ROWS_MAX)
  return travel.batches.map((batch) => batch.id)
}

/** Null where the click can't decide: its offer is another advertiser's, or gone. */
function planByClick(
  ctx: Pick<Context, 'catalogue'>,
  stored: StoredConversion,
  click: Click,
): ConversionPlan | null {
  const offer = ctx.catalogue.offer(click.offerId)
  const affiliate = ctx.catalogue.affiliate(click.affiliateId)
  if (!offer || !affiliate || offer.advertiserId !== stored.conversion.advertiserId) return null
  const conversion = { ...stored.conversion, attribution: attributionByClick(click, affiliate) }
  return planRevisions(ctx, { ...stored, conversion }, [])
}

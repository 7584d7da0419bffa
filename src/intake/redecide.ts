import type { Context } from '../context.ts'
import type { Tx } from '../db/database.ts'
import { wakeOf } from '../dispatch/wake.ts'
import { otherStatusRevision } from '../fanout/fan-out.ts'
import { type Decision, decideDestination } from '../fanout/rules.ts'
import type { Uuid } from '../kit/ids.ts'
import { type StoredConversion, WINDOW_OVER } from './plan-revisions.ts'
import { findSkipped, listUnheardSkips, scheduleSkipped } from './redecide-store.ts'
import { isClickIdMissing, isEventTooOld } from './rule-facts.ts'
import { loadStored } from './stored-conversions.ts'

export { lockConversions } from './store.ts'

type RedecideContext = Pick<Context, 'catalogue'> & Partial<Pick<Context, 'clock'>>

/**
 * Decides again where a delivery on the wire made a newer revision look like nothing new, but ended refused or failed:
 * the newest revision of each pair, if it was skipped for that reason, is sent after all. Call it inside the result
 * flush's transaction, after its updates, with the conversions locked. Returns the deliveries that are in `due` now.
 */
export async function redecide(
  tx: Tx,
  ctx: RedecideContext,
  pairs: readonly { conversionId: Uuid; destinationId: Uuid }[],
): Promise<Uuid[]> {
  if (pairs.length === 0) return []
  const skipped = await listUnheardSkips(tx, pairs)
  if (skipped.length === 0) return []
  const stored = await loadStored(
    tx,
    skipped.map((one) => one.conversionId),
  )
  const sent = skipped.filter((one) => {
    const conversion = stored.get(one.conversionId)
    return conversion !== undefined && decideStored(ctx, conversion, one).send
  })
  await scheduleSkipped(
    tx,
    sent.map((one) => ({ ...one, ...wakeOf(ctx.catalogue, one.deliveryId, one.destinationId) })),
  )
  return sent.map((one) => one.deliveryId)
}

/** Whether a skipped delivery would be sent by today's rules. The conversion must be locked. */
export async function decideOne(tx: Tx, ctx: RedecideContext, deliveryId: Uuid): Promise<Decision> {
  const delivery = await findSkipped(tx, deliveryId)
  if (delivery === null) throw new Error('the delivery to decide again is gone')
  const stored = (await loadStored(tx, [delivery.conversionId])).get(delivery.conversionId)
  if (!stored) throw new Error('the conversion of a delivery is gone')
  return decideStored(ctx, stored, delivery)
}

function decideStored(
  { catalogue, clock }: RedecideContext,
  { conversion, revisions, deliveries }: StoredConversion,
  delivery: { destinationId: Uuid; revision: number },
): Decision {
  const { attribution } = conversion
  const destination = catalogue.destination(delivery.destinationId)
  const offer = attribution && catalogue.offer(attribution.offerId)
  const affiliate = attribution && catalogue.affiliate(attribution.affiliateId)
  const revision = revisions.find((one) => one.revision === delivery.revision)
  if (!destination || !offer || !affiliate || !revision)
    throw new Error('a delivery without its catalogue rows or revision')
  const ofMain = deliveries.filter(
    (one) =>
      one.revision === revision.revision &&
      catalogue.destination(one.destinationId)?.definition.fallback === false,
  )
  return decideDestination({
    affiliate,
    offer,
    destination,
    event: conversion.event,
    windowOver: conversion.note === WINDOW_OVER,
    revision,
    otherStatusRevision: otherStatusRevision(revisions, revision),
    earlier: deliveries.filter(
      (one) => one.destinationId === destination.id && one.revision < revision.revision,
    ),
    takenByOther: ofMain.some((one) => one.heard || one.hadIt || one.place !== 'ended'),
    clickIdMissing: isClickIdMissing(destination, conversion, revision.status),
    // Without a clock nothing is too old here: it is asked again when the delivery is sent.
    tooOld: clock !== undefined && isEventTooOld(destination, revision, clock.nowMs()),
  })
}

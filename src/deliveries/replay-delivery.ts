import type { Catalogue } from '../catalogue/catalogue.ts'
import type { Context } from '../context.ts'
import { type Tx, withTx } from '../db/database.ts'
import { compileDestination } from '../destinations/compile.ts'
import { isTooOld } from '../destinations/event-time.ts'
import { afterBatchBackstopMs } from '../dispatch/batches.ts'
import type { SkipReason } from '../fanout/rules.ts'
import { decideOne, lockConversions } from '../intake/redecide.ts'
import { AppError } from '../kit/app-error.ts'
import { encodeId, newUuid, type Uuid } from '../kit/ids.ts'
import { notFound } from './find-id.ts'
import { type OlderUnsent, planReplay } from './plan-replay.ts'
import { type DeliveryRow, findDelivery } from './read-store.ts'
import {
  findReplayTarget,
  hasNewerRejected,
  hasRecordedRequest,
  hastenDelivery,
  insertReplay,
  lockSiblings,
  type ReplayTarget,
  reopenDelivery,
  supersedeOlder,
} from './replay-store.ts'
import type { ReplayWire } from './schema.ts'

type Ctx = Pick<Context, 'db' | 'catalogue' | 'clock' | 'config' | 'metrics'>
type Input = { deliveryId: Uuid; render: 'current' | 'original'; requestedBy: string }

/**
 * Re-opens one delivery: the same id, attempt numbers go on. Throws AppError not_found, archived, newer_revision,
 * still_skipped or no_original; then nothing changed.
 */
export async function replayDelivery(ctx: Ctx, input: Input): Promise<ReplayWire> {
  const replayId = newUuid(ctx.clock.nowMs())
  const { before, after } = await withTx(ctx.db.results, (tx) => replayInTx(tx, ctx, { ...input, replayId }))
  if (before.state !== 'scheduled' && before.state !== 'held') ctx.metrics.deliveries('scheduled')
  return {
    replay_id: encodeId('replay', replayId),
    delivery_id: encodeId('delivery', input.deliveryId),
    state: after.state,
    duplicate_risk: duplicateRisk(ctx.catalogue, before),
  }
}

async function replayInTx(
  tx: Tx,
  ctx: Ctx,
  input: Input & { replayId: Uuid },
): Promise<{ before: DeliveryRow; after: DeliveryRow }> {
  const { deliveryId, replayId } = input
  const target = await findReplayTarget(tx, deliveryId)
  if (target === null) throw notFound('delivery')
  if (target.test) throw new AppError('test_delivery')
  const { occurredAt } = target
  if (occurredAt === null)
    throw new AppError('not_found', {
      message: 'What this delivery told is past its retention.',
      fix: 'Tell the tracker by hand; keep more with RETENTION_DAYS.',
    })
  await ctx.catalogue.upTo(await lockConversions(tx, [target.conversionId]))
  assertNotArchived(ctx.catalogue, target)
  const siblings = await lockSiblings(tx, deliveryId, target)
  const before = await readBack(tx, deliveryId)
  const plan = planReplay({
    targetId: deliveryId,
    siblings,
    hasNewerRejected: await hasNewerRejected(tx, target.conversionId, target.revision),
  })
  if (plan.kind === 'refused') throw new AppError(plan.code)
  if (input.render === 'original' && !(await hasRecordedRequest(tx, deliveryId)))
    throw new AppError('no_original')
  if (plan.kind === 'decide') await assertSelected(tx, ctx, deliveryId)
  const isReopened = plan.kind === 'decide' || plan.kind === 'reopen'
  // Sent, it would be skipped then, and what became of it before would be lost.
  if (isReopened) assertYoung(ctx, { ...target, deliveryId, occurredAt })
  await insertReplay(tx, { ...input, id: replayId })
  if (plan.kind === 'due_now') await hastenDelivery(tx, deliveryId, replayId)
  if (isReopened) await reopen(tx, ctx, { ...input, older: plan.older })
  return { before, after: await readBack(tx, deliveryId) }
}

async function readBack(tx: Tx, deliveryId: Uuid): Promise<DeliveryRow> {
  const row = await findDelivery(tx, deliveryId)
  if (row === null) throw notFound('delivery')
  return row
}

async function reopen(
  tx: Tx,
  ctx: Pick<Context, 'config'>,
  { deliveryId, replayId, older }: { deliveryId: Uuid; replayId: Uuid; older: OlderUnsent },
): Promise<void> {
  await supersedeOlder(tx, older, deliveryId)
  const afterBatch = older.travelling?.batchId ?? null
  await reopenDelivery(tx, {
    deliveryId,
    replayId,
    afterBatch,
    waitMs: afterBatch === null ? 0 : afterBatchBackstopMs(ctx.config),
  })
}

function assertNotArchived(catalogue: Catalogue, target: ReplayTarget): void {
  const rows = {
    destination: catalogue.destination(target.destinationId),
    affiliate: catalogue.affiliate(target.affiliateId),
    offer: catalogue.offer(target.offerId),
    advertiser: catalogue.advertiser(target.advertiserId),
  }
  for (const [noun, row] of Object.entries(rows))
    if (row?.archived)
      throw new AppError('archived', { field: `${noun}_id`, message: `The ${noun} is archived.` })
}

async function assertSelected(
  tx: Tx,
  ctx: Pick<Context, 'catalogue' | 'clock'>,
  deliveryId: Uuid,
): Promise<void> {
  const decision = await decideOne(tx, ctx, deliveryId)
  if (!decision.send) throw stillSkipped(decision.reason)
}

function assertYoung(
  ctx: Pick<Context, 'catalogue' | 'clock'>,
  event: Pick<ReplayTarget, 'destinationId' | 'status'> & { deliveryId: Uuid; occurredAt: Date },
): void {
  const destination = ctx.catalogue.destination(event.destinationId)
  if (destination === undefined) return
  if (isTooOld(compileDestination(destination.definition), event, ctx.clock.nowMs()))
    throw stillSkipped('event_too_old')
}

const stillSkipped = (reason: SkipReason): AppError =>
  new AppError('still_skipped', {
    message: `Today's rules still skip this delivery: ${reason}.`,
    extra: { reason },
  })

function duplicateRisk(catalogue: Catalogue, before: DeliveryRow): ReplayWire['duplicate_risk'] {
  const risks: ReplayWire['duplicate_risk'] = []
  if (before.attempts_count === 0) return risks
  risks.push({
    code: 'tracker_may_count_twice',
    message:
      before.delivered_at === null
        ? 'Earlier attempts may have reached the tracker although it gave no good answer.'
        : `The tracker accepted it on ${before.delivered_at.toISOString()}; one that does not recognise repeats counts it twice.`,
  })
  const definition = catalogue.destination(before.destination_id)?.definition
  if (definition?.method === 'POST' && definition.signing_secret !== null)
    risks.push({
      code: 'same_webhook_id',
      message: 'webhook-id stays the same, so a receiver that deduplicates by it ignores the call.',
    })
  return risks
}

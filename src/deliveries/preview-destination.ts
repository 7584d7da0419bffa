import type { Destination } from '../catalogue/catalogue.ts'
import type { Context } from '../context.ts'
import { compileDestination } from '../destinations/compile.ts'
import { type Preview, previewDelivery } from '../destinations/preview.ts'
import { RenderError } from '../destinations/render-error.ts'
import { AppError } from '../kit/app-error.ts'
import type { DeliveryFacts } from './facts.ts'
import { renderContext } from './render-row.ts'
import { loadSample, type SampleAsked } from './sample.ts'
import { findNewestDeliveryId } from './sample-store.ts'
import { listPayoutDueBefore } from './store.ts'

type Ctx = Pick<Context, 'db' | 'catalogue' | 'clock' | 'config' | 'secrets'>

/**
 * What the destination would be sent, part by part, without sending it. Throws AppError destination_invalid where it
 * can not be rendered, and those of loadSample.
 */
export async function previewDestination(
  ctx: Ctx,
  destination: Destination,
  asked: SampleAsked,
): Promise<Preview> {
  const { facts, offer } = await loadSample(ctx, destination, asked)
  const own =
    asked.conversion_id === undefined
      ? null
      : await findNewestDeliveryId(ctx.db.reads, { ...facts, destinationId: destination.id })
  const shown = await withPayoutDue(ctx, destination, { ...facts, deliveryId: own ?? facts.deliveryId })
  return refusingRenderErrors(() =>
    previewDelivery({ ...renderContext(ctx), facts: shown, destination, offer }),
  )
}

/** The facts with payout_due last delivered, where the template asks for it. */
export async function withPayoutDue(
  ctx: Pick<Context, 'db'>,
  destination: Pick<Destination, 'id' | 'definition'>,
  facts: DeliveryFacts,
): Promise<DeliveryFacts> {
  if (!compileDestination(destination.definition).usesPayoutDelta) return facts
  const before = await listPayoutDueBefore(ctx.db.reads, [{ ...facts, destinationId: destination.id }])
  return { ...facts, payoutDueBefore: before.get(facts.deliveryId) ?? null }
}

/** A template that can not be rendered is the caller's to mend. */
export function refusingRenderErrors<Result>(render: () => Result): Result {
  try {
    return render()
  } catch (error) {
    if (!(error instanceof RenderError)) throw error
    throw new AppError('destination_invalid', {
      message: error.message,
      fix: 'Correct the template or the values it takes.',
    })
  }
}

import type { Destination, Offer } from '../catalogue/catalogue.ts'
import type { Context } from '../context.ts'
import type { Rendered, RenderedRequest, RenderInput } from '../destinations/render.ts'
import { renderDelivery, withSignatureMarks } from '../destinations/render.ts'
import { rerenderOriginal } from '../destinations/rerender.ts'
import type { DeliveryFacts } from './facts.ts'

/** A delivery to render: as its destination is now, or the recorded request of its last attempt once more. */
export type RenderTask = {
  facts: DeliveryFacts
  destination: Pick<Destination, 'definition'>
  offer: Pick<Offer, 'name' | 'shared'>
  original: RenderedRequest | null
}

export type RenderContext = Pick<RenderInput, 'catalogue' | 'secrets' | 'version' | 'now'>

/** Throws RenderError where it can't be rendered. */
export function renderTask(ctx: RenderContext, task: RenderTask): Rendered {
  const { original, ...rest } = task
  const input: RenderInput = { ...ctx, ...rest }
  if (original === null) return renderDelivery(input)
  const request = rerenderOriginal(original, input)
  return { request, recorded: withSignatureMarks(original, request) }
}

export const renderContext = (
  ctx: Pick<Context, 'catalogue' | 'secrets' | 'config' | 'clock'>,
): RenderContext => ({
  catalogue: ctx.catalogue,
  secrets: ctx.secrets,
  version: ctx.config.version,
  now: ctx.clock.now(),
})

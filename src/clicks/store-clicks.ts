import { findCatalogueVersion } from '../catalogue/store.ts'
import type { Context } from '../context.ts'
import { AppError } from '../kit/app-error.ts'
import { type Click, type ClickRequest, isSameClick, toClick } from './click.ts'
import { findClicks, insertClicks } from './store.ts'

export type ClickOutcome = { result: 'created' | 'unchanged'; click: Click } | { refused: AppError }

/** Stores clicks in one commit, each for itself: one that is refused does not touch the others. Same order as asked. */
export async function storeClicks(
  ctx: Pick<Context, 'db' | 'catalogue' | 'clock'>,
  requests: readonly ClickRequest[],
): Promise<ClickOutcome[]> {
  const db = ctx.db.intake
  await ctx.catalogue.upTo(await findCatalogueVersion(db))
  const nowMs = ctx.clock.nowMs()
  const wanted = requests.map((request) => ({ request, click: toClickOrRefusal(ctx, request, nowMs) }))
  const clicks = wanted.flatMap(({ click }) => (click instanceof AppError ? [] : [click]))
  if (clicks.length === 0) return wanted.map(({ click }) => ({ refused: click as AppError }))

  const created = await insertClicks(db, clicks)
  const taken = clicks.filter((click) => !created.has(click.id)).map((click) => click.clickId)
  const stored = taken.length === 0 ? new Map<string, Click>() : await findClicks(db, taken)
  return wanted.map(({ request, click }) => {
    if (click instanceof AppError) return { refused: click }
    if (created.has(click.id)) return { result: 'created', click }
    const known = stored.get(click.clickId)
    if (known !== undefined && isSameClick(known, click, request))
      return { result: 'unchanged', click: known }
    return { refused: new AppError('click_exists', { field: 'click_id' }) }
  })
}

function toClickOrRefusal(
  ctx: Pick<Context, 'catalogue'>,
  request: ClickRequest,
  nowMs: number,
): Click | AppError {
  try {
    return toClick(ctx.catalogue, request, nowMs)
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
}

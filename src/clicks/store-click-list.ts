import type { Context } from '../context.ts'
import { createCheck } from '../http/validation-error.ts'
import { AppError } from '../kit/app-error.ts'
import type { ClickRequest } from './click.ts'
import { readClick } from './read-click.ts'
import { ClickList } from './schema.ts'
import { type ClickOutcome, storeClicks } from './store-clicks.ts'

const check = createCheck(ClickList)

type Result = { click_id?: string; result?: 'created' | 'unchanged'; error?: Record<string, unknown> }

/** The answer to a list, in its order; a bad item refuses itself only. Throws AppError where it is no list of at most 1,000. */
export async function storeClickList(
  ctx: Pick<Context, 'db' | 'catalogue' | 'clock'>,
  body: object,
  requestId: string,
): Promise<Result[]> {
  const { data } = check(body)
  const nowMs = ctx.clock.nowMs()
  const requests = data.map((one) => readOrRefuse(one, nowMs))
  const good = requests.flatMap((request) => (request instanceof AppError ? [] : [request]))
  const outcomes = good.length === 0 ? [] : await storeClicks(ctx, good)
  let next = 0
  return requests.map((request, at) => {
    const outcome: ClickOutcome =
      request instanceof AppError ? { refused: request } : (outcomes[next++] as ClickOutcome)
    return toResult(outcome, data[at], requestId)
  })
}

function readOrRefuse(value: unknown, nowMs: number): ClickRequest | AppError {
  try {
    return readClick(value, nowMs)
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
}

function toResult(outcome: ClickOutcome, sent: unknown, requestId: string): Result {
  if (!('refused' in outcome)) return { click_id: outcome.click.clickId, result: outcome.result }
  const clickId = (sent as { click_id?: unknown } | null)?.click_id
  return {
    ...(typeof clickId === 'string' && { click_id: clickId.slice(0, 500).toWellFormed() }),
    error: outcome.refused.toWire(requestId),
  }
}

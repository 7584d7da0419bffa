import { hash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Advertiser } from '../catalogue/catalogue.ts'
import type { Context } from '../context.ts'

const REFRESH_INTERVAL_MS = 250
/** Every token that was ever given out is longer. */
const TOKEN_LENGTH_MIN = 20
const TOKEN_LENGTH_MAX = 200

export type FindAdvertiser = (token: string) => Promise<Advertiser | undefined>

/**
 * Finds who a token belongs to. One that the cache does not know may have been made by another process a moment ago, so
 * Postgres is asked first; unknown tokens share a look, each waits for one that starts after it came.
 */
export function createFindAdvertiser(ctx: Pick<Context, 'catalogue' | 'clock'>): FindAdvertiser {
  let upcoming: Promise<void> | null = null
  let lastStartMs = Number.NEGATIVE_INFINITY

  const refresh = async (): Promise<void> => {
    const waitMs = lastStartMs + REFRESH_INTERVAL_MS - ctx.clock.monotonicMs()
    // Awaited in any case: `upcoming` is assigned before it is cleared.
    await (waitMs > 0 ? delay(waitMs) : undefined)
    upcoming = null
    lastStartMs = ctx.clock.monotonicMs()
    await ctx.catalogue.refresh()
  }

  return async (token) => {
    if (token.length < TOKEN_LENGTH_MIN || token.length > TOKEN_LENGTH_MAX) return undefined
    const tokenHash = hash('sha256', token, 'hex')
    const known = ctx.catalogue.advertiserByToken(tokenHash)
    if (known !== undefined) return known
    upcoming ??= refresh()
    await upcoming
    return ctx.catalogue.advertiserByToken(tokenHash)
  }
}

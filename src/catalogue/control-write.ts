import type { Context } from '../context.ts'
import { type Tx, withTx } from '../db/database.ts'
import { nextCatalogueVersion } from './store.ts'

/**
 * Runs a write of catalogue rows in one transaction; fn sets changed_in = version on each row it touches. When this
 * resolves the write is committed and this process decides by it; others do before they write or send (version check).
 */
export async function withControlWrite<T>(
  ctx: Pick<Context, 'db' | 'catalogue'>,
  fn: (tx: Tx, version: number) => Promise<T>,
): Promise<T> {
  let written = 0
  const result = await withTx(ctx.db.reads, async (tx) => {
    written = await nextCatalogueVersion(tx)
    return fn(tx, written)
  })
  await ctx.catalogue.upTo(written)
  return result
}

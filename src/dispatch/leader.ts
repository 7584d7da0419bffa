import type { Context } from '../context.ts'
import { type Tx, withTx } from '../db/database.ts'
import type { Uuid } from '../kit/ids.ts'
import { takeLead } from './sweep-store.ts'

// A sweep that moves nothing need not wait for the disk; the statements that move rows switch that on again.
const BEGIN = 'begin; set local synchronous_commit = off'

/**
 * Runs one sweeping transaction if this process leads, by a catalogue no older than its start. Null: another leads.
 * fn may run again after a deadlock.
 */
export function asLeader<T>(
  ctx: Pick<Context, 'db' | 'catalogue'>,
  holder: Uuid,
  fn: (tx: Tx) => Promise<T>,
): Promise<T | null> {
  return withTx(
    ctx.db.results,
    async (tx) => {
      const catalogueVersion = await takeLead(tx, holder)
      if (catalogueVersion === null) return null
      await ctx.catalogue.upTo(catalogueVersion)
      return fn(tx)
    },
    BEGIN,
  )
}

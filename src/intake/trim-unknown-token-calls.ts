import type { Context } from '../context.ts'
import { deleteUnknownTokenCalls, findOldestSurplus } from './inbound-store.ts'

const KEPT_MAX = 10_000
const CHUNK_ROWS = 1000

/**
 * Keeps the newest 10,000 calls with unknown tokens: anybody can make those. Returns how many were deleted; may run in
 * several processes at once.
 */
export async function trimUnknownTokenCalls(
  ctx: Pick<Context, 'db'>,
  { kept = KEPT_MAX }: { kept?: number } = {},
): Promise<number> {
  const highest = await findOldestSurplus(ctx.db.reads, kept)
  if (highest === null) return 0
  let deleted = 0
  for (;;) {
    const chunk = await deleteUnknownTokenCalls(ctx.db.reads, { highest, rowsMax: CHUNK_ROWS })
    deleted += chunk
    if (chunk < CHUNK_ROWS) return deleted
  }
}

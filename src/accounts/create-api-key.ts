import type { Context } from '../context.ts'
import { withTx } from '../db/database.ts'
import { newUuid } from '../kit/ids.ts'
import { hashSecret, newSecret } from '../kit/secret-box.ts'
import type { Role } from './principal.ts'
import { type ApiKeyRow, hasApiKeys, insertApiKey, lockFirstApiKey } from './store.ts'

const SHOWN_CHARACTERS = 8

/** The key itself is in the result only; what is stored can not be turned back. */
export async function createApiKey(
  ctx: Pick<Context, 'db' | 'clock'>,
  input: { name: string; role: Role },
): Promise<{ row: ApiKeyRow; key: string }> {
  const key = newSecret('key')
  const row = await insertApiKey(ctx.db.reads, toNewRow(ctx, { ...input, key }))
  return { row, key }
}

/** The admin key of a new installation, to be shown once; null where keys were made before. May be called at every start. */
export async function ensureAdminKey(ctx: Pick<Context, 'db' | 'clock'>): Promise<string | null> {
  return withTx(ctx.db.reads, async (tx) => {
    await lockFirstApiKey(tx)
    if (await hasApiKeys(tx)) return null
    const key = newSecret('key')
    await insertApiKey(tx, toNewRow(ctx, { name: 'first admin key', role: 'admin', key }))
    return key
  })
}

const toNewRow = (ctx: Pick<Context, 'clock'>, input: { name: string; role: Role; key: string }) => ({
  id: newUuid(ctx.clock.nowMs()),
  name: input.name,
  role: input.role,
  keyHash: hashSecret(input.key),
  shown: input.key.slice(0, SHOWN_CHARACTERS),
})

import { timingSafeEqual } from 'node:crypto'
import type { Context } from '../context.ts'
import { hashSecret } from '../kit/secret-box.ts'
import type { Principal } from './principal.ts'
import { findApiKeyByHash, updateApiKeyUsed } from './store.ts'

const USED_WRITE_INTERVAL_MS = 60_000

/** Looks a key up each time, so that a revoked one is refused at once. */
export function createPrincipalFinder(
  ctx: Pick<Context, 'config' | 'db' | 'log' | 'clock'>,
): (key: string) => Promise<Principal | null> {
  const settingHash = ctx.config.adminKey === null ? null : hashSecret(ctx.config.adminKey)
  const usedAtMs = new Map<string, number>()

  const noteUse = (id: string): void => {
    const nowMs = ctx.clock.monotonicMs()
    if (nowMs - (usedAtMs.get(id) ?? Number.NEGATIVE_INFINITY) < USED_WRITE_INTERVAL_MS) return
    usedAtMs.set(id, nowMs)
    updateApiKeyUsed(ctx.db.reads, id).catch((err) => ctx.log.warn({ err }, 'last use of a key not noted'))
  }

  return async (key) => {
    const hash = hashSecret(key)
    if (settingHash !== null && timingSafeEqual(settingHash, hash))
      return { role: 'admin', keyId: null, name: 'ADMIN_KEY' }
    if (!key.startsWith('key_')) return null
    const row = await findApiKeyByHash(ctx.db.catalogue, hash)
    if (row === null) return null
    noteUse(row.id)
    return { role: row.role, keyId: row.id, name: row.name }
  }
}

import { applyPatch } from '../catalogue/archive.ts'
import { withControlWrite } from '../catalogue/control-write.ts'
import { assertExternalId, withExternalIdCheck } from '../catalogue/external-id.ts'
import { assertOpen, type Needs } from '../catalogue/open-row.ts'
import type { Context } from '../context.ts'
import { AppError } from '../kit/app-error.ts'
import { newUuid, type Uuid } from '../kit/ids.ts'
import type { AffiliatePatch, NewAffiliate } from './schema.ts'
import { type AffiliateFields, findAffiliate, insertAffiliate, updateAffiliate } from './store.ts'

const DEFAULTS = { external_id: null, email: null, click_id_from: 'click_id', state: 'active' } as const

export async function createAffiliate(
  ctx: Needs & Pick<Context, 'clock'>,
  body: NewAffiliate,
): Promise<Uuid> {
  const fields: AffiliateFields = { ...DEFAULTS, name: body.name, ...readFields(body) }
  const id = newUuid(ctx.clock.nowMs())
  await withExternalIdCheck(() =>
    withControlWrite(ctx, (tx, version) => insertAffiliate(tx, { ...fields, id, version })),
  )
  return id
}

export async function changeAffiliate(ctx: Needs, id: Uuid, patch: AffiliatePatch): Promise<void> {
  const changes = readFields(patch)
  const write = (): Promise<void> =>
    withExternalIdCheck(() =>
      withControlWrite(ctx, async (tx, version) => {
        const row = assertOpen(await findAffiliate(tx, id))
        await updateAffiliate(tx, { ...row, ...changes, version })
      }),
    )
  const target = { noun: 'affiliate' as const, id, archived: patch.archived }
  await applyPatch(ctx, target, Object.keys(changes).length > 0 ? write : null)
}

const EMAIL = /^[^\s@]+@[^\s@]+$/

/** What the body sets, checked; absent fields are absent. */
function readFields(body: AffiliatePatch): Partial<AffiliateFields> {
  const { archived: _, ...changes } = body
  assertExternalId(changes.external_id)
  if (changes.email != null && !EMAIL.test(changes.email))
    throw new AppError('invalid_field', {
      field: 'email',
      message: 'This is no e-mail address.',
      fix: 'Send an address like name@example.com, or null.',
    })
  return changes
}

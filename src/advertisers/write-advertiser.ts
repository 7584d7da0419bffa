import { applyPatch } from '../catalogue/archive.ts'
import { withControlWrite } from '../catalogue/control-write.ts'
import { assertExternalId, withExternalIdCheck } from '../catalogue/external-id.ts'
import { assertOpen, type Needs } from '../catalogue/open-row.ts'
import { refuseUnbuilt } from '../catalogue/unbuilt.ts'
import type { Context } from '../context.ts'
import { newUuid, type Uuid } from '../kit/ids.ts'
import { hashSecret, newSecret } from '../kit/secret-box.ts'
import { assertIpAllowlist, assertParamMap, assertTimezone, toStatusMap } from './advertiser.ts'
import type { AdvertiserPatch, NewAdvertiser } from './schema.ts'
import {
  type AdvertiserFields,
  findAdvertiser,
  insertAdvertiser,
  updateAdvertiser,
  updateAdvertiserToken,
} from './store.ts'

type Secrets = Pick<Context, 'secrets'>

const DEFAULTS = {
  external_id: null,
  param_map: {},
  status_map: {},
  timezone: 'UTC',
  ip_allowlist: [],
  signing_secret: null,
  answer: {},
}

/** The token is in this result only. */
export async function createAdvertiser(
  ctx: Needs & Secrets & Pick<Context, 'clock'>,
  body: NewAdvertiser,
): Promise<{ id: Uuid; token: string }> {
  const fields: AdvertiserFields = { ...DEFAULTS, name: body.name, ...readFields(ctx, body) }
  const id = newUuid(ctx.clock.nowMs())
  const token = newSecret('tok')
  await withExternalIdCheck(() =>
    withControlWrite(ctx, (tx, version) =>
      insertAdvertiser(tx, { ...fields, id, tokenHash: hashSecret(token), version }),
    ),
  )
  return { id, token }
}

export async function changeAdvertiser(
  ctx: Needs & Secrets,
  id: Uuid,
  patch: AdvertiserPatch,
): Promise<void> {
  const changes = readFields(ctx, patch)
  const write = (): Promise<void> =>
    withExternalIdCheck(() =>
      withControlWrite(ctx, async (tx, version) => {
        const row = assertOpen(await findAdvertiser(tx, id))
        await updateAdvertiser(tx, { ...row, ...changes, version })
      }),
    )
  const target = { noun: 'advertiser' as const, id, archived: patch.archived }
  await applyPatch(ctx, target, Object.keys(changes).length > 0 ? write : null)
}

/** A new token; the old one goes on for the overlap. */
export async function rotateToken(ctx: Needs, id: Uuid, overlapSeconds: number): Promise<string> {
  const token = newSecret('tok')
  await withControlWrite(ctx, async (tx, version) => {
    assertOpen(await findAdvertiser(tx, id))
    await updateAdvertiserToken(tx, { id, tokenHash: hashSecret(token), overlapSeconds, version })
  })
  return token
}

/** What the body sets, checked; absent fields are absent. */
function readFields(ctx: Secrets, body: AdvertiserPatch): Partial<AdvertiserFields> {
  refuseUnbuilt(body, ['rate_limit'])
  assertExternalId(body.external_id)
  if (body.param_map) assertParamMap(body.param_map)
  if (body.timezone !== undefined) assertTimezone(body.timezone)
  if (body.ip_allowlist) assertIpAllowlist(body.ip_allowlist)
  const { external_id, name, param_map, status_map, timezone, ip_allowlist, signing_secret, answer } = body
  return {
    ...(external_id !== undefined && { external_id }),
    ...(name !== undefined && { name }),
    ...(param_map !== undefined && { param_map }),
    ...(status_map !== undefined && { status_map: toStatusMap(status_map) }),
    ...(timezone !== undefined && { timezone }),
    ...(ip_allowlist !== undefined && { ip_allowlist }),
    ...(signing_secret !== undefined && {
      signing_secret: signing_secret === null ? null : ctx.secrets.seal(signing_secret),
    }),
    ...(answer !== undefined && { answer }),
  }
}

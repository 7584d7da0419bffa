import { isDeepStrictEqual } from 'node:util'
import { preset as presetNamed } from '../../config/presets/presets.ts'
import { applyPatch } from '../catalogue/archive.ts'
import type { DestinationDefinition } from '../catalogue/catalogue.ts'
import { withControlWrite } from '../catalogue/control-write.ts'
import { assertExternalId, withExternalIdCheck } from '../catalogue/external-id.ts'
import { assertOpen, type Needs } from '../catalogue/open-row.ts'
import { assertSameOwner, resolveField, syncCatalogue } from '../catalogue/resource.ts'
import { refuseUnbuilt } from '../catalogue/unbuilt.ts'
import type { Context } from '../context.ts'
import { AppError } from '../kit/app-error.ts'
import { newUuid, type Uuid } from '../kit/ids.ts'
import { type CheckedDefinition, checkDefinition, type DestinationInput } from './check-definition.ts'
import type { LookUp } from './check-host.ts'
import { type Finding, hasErrors } from './findings.ts'
import { readDefinition } from './read-definition.ts'
import type { DestinationPatch, NewDestination } from './schema.ts'
import {
  type DestinationRow,
  findDestination,
  insertDestination,
  insertVersion,
  updateDestination,
  updateDestinationState,
} from './store.ts'

type Ctx = Needs & Pick<Context, 'config' | 'secrets' | 'clock'>
const UNBUILT = ['rate_limit', 'concurrency']

function refuseUnbuiltFields(body: { preset?: string | null }): void {
  refuseUnbuilt(body, UNBUILT)
  const named = body.preset == null ? null : presetNamed(body.preset)
  if (named?.not_built === true)
    throw new AppError('not_available', {
      field: 'preset',
      message: `${named.title} is not built yet.`,
      fix: 'Use another preset.',
    })
}

/** Throws AppError `destination_invalid` with findings where it can not work. The findings of the result are warnings. */
export async function createDestination(
  ctx: Ctx,
  body: NewDestination,
  lookUp: LookUp,
): Promise<{ id: Uuid; findings: readonly Finding[] }> {
  refuseUnbuiltFields(body)
  assertExternalId(body.external_id)
  await syncCatalogue(ctx)
  const affiliateId = resolveField(ctx.catalogue, {
    noun: 'affiliate',
    field: 'affiliate_id',
    text: body.affiliate_id,
  })
  const owner = { affiliateId, id: null }
  const { definition, findings } = await checkOrRefuse(ctx, readDefinition(ctx, body, null), owner, lookUp)
  const id = newUuid(ctx.clock.nowMs())
  await withExternalIdCheck(() =>
    withControlWrite(ctx, async (tx, changedIn) => {
      await insertDestination(tx, { id, externalId: body.external_id ?? null, affiliateId, changedIn })
      await insertVersion(tx, { destinationId: id, version: 1, definition })
    }),
  )
  return { id, findings }
}

/** A changed definition becomes the next version; deliveries that wait are sent by it. Throws like createDestination. */
export async function changeDestination(
  ctx: Ctx,
  target: { id: Uuid; patch: DestinationPatch },
  lookUp: LookUp,
): Promise<readonly Finding[]> {
  const { id, patch } = target
  refuseUnbuiltFields(patch)
  assertExternalId(patch.external_id)
  const stored = ctx.catalogue.destination(id)
  if (stored === undefined) throw new AppError('not_found')
  const { affiliateId } = stored
  assertSameOwner(ctx.catalogue, {
    noun: 'affiliate',
    field: 'affiliate_id',
    text: patch.affiliate_id,
    owner: affiliateId,
  })
  const { archived, ...changes } = patch
  const owner = { affiliateId, id }
  const asked = readDefinition(
    ctx,
    { ...changes, url: patch.url ?? stored.definition.url },
    stored.definition,
  )
  const { definition, findings } = await checkOrRefuse(ctx, asked, owner, lookUp)
  const externalId = patch.external_id
  const write =
    Object.keys(changes).length > 0 ? () => writeChange(ctx, { id, definition, externalId }) : null
  await applyPatch(ctx, { noun: 'destination', id, archived }, write)
  return findings
}

const writeChange = (
  ctx: Ctx,
  change: { id: Uuid; definition: DestinationDefinition; externalId: string | null | undefined },
): Promise<void> =>
  withExternalIdCheck(() =>
    withControlWrite(ctx, async (tx, changedIn) => {
      const { id, definition } = change
      const row = assertOpen(await findDestination(tx, id))
      const externalId = change.externalId === undefined ? row.external_id : change.externalId
      const isSame = isDeepStrictEqual(row.definition, definition)
      const version = isSame ? row.version : row.version + 1
      if (!isSame) await insertVersion(tx, { destinationId: id, version, definition })
      await updateDestination(tx, { id, externalId, version, changedIn })
    }),
  )

/** `paused` holds its deliveries; `active` lets them go, also after a 410 disabled it. */
export const setDestinationState = (ctx: Needs, id: Uuid, state: 'active' | 'paused'): Promise<void> =>
  withControlWrite(ctx, async (tx, changedIn) => {
    const row = assertOpen(await findDestination(tx, id))
    if (row.state !== state) await updateDestinationState(tx, { id, state, changedIn })
  })

/** What there is to say about a stored destination, without looking its host up. */
export async function findingsOf(
  ctx: Pick<Context, 'config' | 'catalogue'>,
  row: Pick<DestinationRow, 'id' | 'affiliate_id' | 'definition'>,
): Promise<readonly Finding[]> {
  const owner = { affiliateId: row.affiliate_id, id: row.id }
  return (await checkDefinition(row.definition, checkOptions(ctx, owner))).findings
}

type Owner = { affiliateId: Uuid; id: Uuid | null }

async function checkOrRefuse(
  ctx: Pick<Context, 'config' | 'catalogue'>,
  asked: DestinationInput,
  owner: Owner,
  lookUp: LookUp,
): Promise<CheckedDefinition> {
  const checked = await checkDefinition(asked, { ...checkOptions(ctx, owner), lookUp })
  if (!hasErrors(checked.findings)) return checked
  const first = checked.findings.find((finding) => finding.severity === 'error')
  throw new AppError('destination_invalid', {
    ...(first !== undefined && { message: first.message, fix: first.fix }),
    extra: { findings: checked.findings },
  })
}

const checkOptions = (ctx: Pick<Context, 'config' | 'catalogue'>, owner: Owner) => ({
  allowCidrs: ctx.config.outboundAllowCidrs,
  siblings: ctx.catalogue.destinationsOf(owner.affiliateId).filter(({ id }) => id !== owner.id),
})

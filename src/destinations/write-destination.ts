import { setImmediate as nextTurn } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { preset as presetNamed } from '../../config/presets/presets.ts'
import { applyPatch } from '../catalogue/archive.ts'
import type { DestinationDefinition } from '../catalogue/catalogue.ts'
import { withControlWrite } from '../catalogue/control-write.ts'
import { assertExternalId, withExternalIdCheck } from '../catalogue/external-id.ts'
import { assertOpen, type Needs } from '../catalogue/open-row.ts'
import { assertSameOwner, resolveField, syncCatalogue } from '../catalogue/resource.ts'
import type { Context } from '../context.ts'
import type { Tx } from '../db/database.ts'
import { closeAlerts } from '../dispatch/alert-store.ts'
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

export type WriteContext = Needs & Pick<Context, 'config' | 'secrets' | 'clock'>

function refuseUnbuiltPreset(body: { preset?: string | null }): void {
  const named = body.preset == null ? null : presetNamed(body.preset)
  if (named?.not_built === true)
    throw new AppError('not_available', {
      field: 'preset',
      message: `${named.title} is not built yet.`,
      fix: 'Use another preset.',
    })
}

/** A definition that may be stored, and whose. The findings are warnings. */
export type CheckedDestination = {
  id: Uuid
  isNew: boolean
  /** The version that the change was made from; 0 for a new one. */
  basedOn: number
  affiliateId: Uuid
  definition: DestinationDefinition
  /** Undefined: as it is. */
  externalId: string | null | undefined
  findings: readonly Finding[]
}

/**
 * What a new destination would be; the catalogue must be current. Without lookUp hosts are not looked up. Throws AppError
 * `destination_invalid` with findings where it can not work.
 */
export async function prepareNew(
  ctx: WriteContext,
  body: NewDestination,
  lookUp?: LookUp,
): Promise<CheckedDestination> {
  refuseUnbuiltPreset(body)
  assertExternalId(body.external_id)
  const affiliateId = resolveField(ctx.catalogue, {
    noun: 'affiliate',
    field: 'affiliate_id',
    text: body.affiliate_id,
  })
  const asked = readDefinition(ctx, body, null)
  const checked = await checkOrRefuse(ctx, asked, { affiliateId, id: null }, lookUp)
  const id = newUuid(ctx.clock.nowMs())
  return { ...checked, id, isNew: true, basedOn: 0, affiliateId, externalId: body.external_id ?? null }
}

/**
 * Inserts or changes them all in one control write, or none of them. Throws AppError `archived`, `external_id_taken`,
 * `changed_meanwhile`.
 */
export const writeDestinations = (
  ctx: WriteContext,
  prepared: readonly CheckedDestination[],
): Promise<void> =>
  withExternalIdCheck(() =>
    withControlWrite(ctx, async (tx, changedIn) => {
      for (const checked of prepared)
        await (checked.isNew ? insertNew : updateChanged)(tx, checked, changedIn)
    }),
  )

async function insertNew(tx: Tx, checked: CheckedDestination, changedIn: number): Promise<void> {
  const { id, affiliateId, definition, externalId = null } = checked
  await insertDestination(tx, { id, externalId, affiliateId, definition, changedIn })
  await insertVersion(tx, { destinationId: id, version: 1, definition })
}

/** A changed definition becomes the next version; deliveries that wait are sent by it. */
async function updateChanged(tx: Tx, change: CheckedDestination, changedIn: number): Promise<void> {
  const { id, definition } = change
  const row = assertOpen(await findDestination(tx, id))
  // The definition is a whole, made from that version: stored over a newer one it would take that back, secrets included.
  if (row.version !== change.basedOn) throw new AppError('changed_meanwhile')
  const externalId = change.externalId === undefined ? row.external_id : change.externalId
  const isSame = isDeepStrictEqual(row.definition, definition)
  const version = isSame ? row.version : row.version + 1
  if (!isSame) await insertVersion(tx, { destinationId: id, version, definition })
  await updateDestination(tx, { id, externalId, version, definition, changedIn })
}

/** Throws like prepareNew. */
export async function createDestination(
  ctx: WriteContext,
  body: NewDestination,
  lookUp: LookUp,
): Promise<CheckedDestination> {
  await syncCatalogue(ctx)
  const checked = await prepareNew(ctx, body, lookUp)
  await writeDestinations(ctx, [checked])
  return checked
}

/** What a destination would become; the catalogue must be current. Throws like prepareNew. */
export async function prepareChange(
  ctx: WriteContext,
  target: { id: Uuid; patch: DestinationPatch },
  lookUp?: LookUp,
): Promise<CheckedDestination> {
  const { id, patch } = target
  refuseUnbuiltPreset(patch)
  assertExternalId(patch.external_id)
  const stored = ctx.catalogue.destination(id)
  if (stored === undefined) throw new AppError('not_found')
  const { affiliateId, version } = stored
  assertSameOwner(ctx.catalogue, {
    noun: 'affiliate',
    field: 'affiliate_id',
    text: patch.affiliate_id,
    owner: affiliateId,
  })
  const { archived: _, ...changes } = patch
  const asked = readDefinition(
    ctx,
    { ...changes, url: patch.url ?? stored.definition.url },
    stored.definition,
  )
  const checked = await checkOrRefuse(ctx, asked, { affiliateId, id }, lookUp)
  return { ...checked, id, isNew: false, basedOn: version, affiliateId, externalId: patch.external_id }
}

const CHANGE_TRIES_MAX = 5

/**
 * Throws like prepareChange and writeDestinations; what another change made old is made anew. Undefined: only archived or
 * restored, so that one that could not work any more can still be put away.
 */
export async function changeDestination(
  ctx: WriteContext,
  target: { id: Uuid; patch: DestinationPatch },
  lookUp: LookUp,
): Promise<readonly Finding[] | undefined> {
  const { archived, ...changes } = target.patch
  const own = { noun: 'destination', id: target.id, archived } as const
  if (Object.keys(changes).length === 0) {
    await applyPatch(ctx, own, null)
    return
  }
  for (let tries = 1; ; tries++) {
    const checked = await prepareChange(ctx, target, lookUp)
    try {
      await applyPatch(ctx, own, () => writeDestinations(ctx, [checked]))
      return checked.findings
    } catch (error) {
      const isRace = error instanceof AppError && error.code === 'changed_meanwhile'
      if (!isRace || tries === CHANGE_TRIES_MAX) throw error
      await syncCatalogue(ctx)
    }
  }
}

/** `paused` holds its deliveries; `active` lets them go, also after a 410 disabled it. */
export const setDestinationState = (ctx: Needs, id: Uuid, state: 'active' | 'paused'): Promise<void> =>
  withControlWrite(ctx, async (tx, changedIn) => {
    const row = assertOpen(await findDestination(tx, id))
    if (row.state === state) return
    await updateDestinationState(tx, { id, state, changedIn })
    await closeAlerts(tx, { kind: 'destination_disabled', destinationIds: [id] })
  })

/** What there is to say about a stored destination, without looking its host up. */
export async function findingsOf(
  ctx: Pick<Context, 'config' | 'catalogue'>,
  row: Pick<DestinationRow, 'id' | 'affiliate_id' | 'definition'>,
): Promise<readonly Finding[]> {
  const owner = { affiliateId: row.affiliate_id, id: row.id }
  return (await checkDefinition(row.definition, checkOptions(ctx, owner))).findings
}

/** The same of a page, by id. */
export async function findingsOfEach(
  ctx: Pick<Context, 'config' | 'catalogue'>,
  rows: readonly Pick<DestinationRow, 'id' | 'affiliate_id' | 'definition'>[],
): Promise<Map<Uuid, readonly Finding[]>> {
  const findings = new Map<Uuid, readonly Finding[]>()
  for (const row of rows) {
    // This process answers advertisers too.
    await nextTurn()
    findings.set(row.id, await findingsOf(ctx, row))
  }
  return findings
}

type Owner = { affiliateId: Uuid; id: Uuid | null }

async function checkOrRefuse(
  ctx: Pick<Context, 'config' | 'catalogue'>,
  asked: DestinationInput,
  owner: Owner,
  lookUp: LookUp | undefined,
): Promise<CheckedDefinition> {
  const options = { ...checkOptions(ctx, owner), ...(lookUp !== undefined && { lookUp }) }
  const checked = await checkDefinition(asked, options)
  if (!hasErrors(checked.findings)) return checked
  const first = checked.findings.find((finding) => finding.severity === 'error')
  throw new AppError('destination_invalid', {
    ...(first !== undefined && { message: first.message, fix: first.fix }),
    extra: { findings: checked.findings },
  })
}

const checkOptions = (ctx: Pick<Context, 'config' | 'catalogue'>, owner: Owner) => ({
  allowCidrs: ctx.config.outboundAllowCidrs,
  presets: ctx.catalogue.presets(),
  offers: () => ctx.catalogue.openOffers(),
  siblings: ctx.catalogue.destinationsOf(owner.affiliateId).filter(({ id }) => id !== owner.id),
})

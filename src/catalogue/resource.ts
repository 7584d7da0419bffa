import type { Context } from '../context.ts'
import { AppError } from '../kit/app-error.ts'
import { ID_PREFIXES, type Uuid } from '../kit/ids.ts'
import type { CatalogueNoun } from './catalogue.ts'
import type { Needs } from './open-row.ts'
import { findCatalogueVersion } from './store.ts'

/** Brings the cache up to what is committed, also by other processes. */
export const syncCatalogue = async (ctx: Needs): Promise<void> =>
  ctx.catalogue.upTo(await findCatalogueVersion(ctx.db.catalogue))

/** The resource that a path names by id or external_id. Throws AppError `not_found`. */
export async function resolvePath(ctx: Needs, noun: CatalogueNoun, text: string): Promise<Uuid> {
  await syncCatalogue(ctx)
  const id = ctx.catalogue.resolve(noun, text)
  if (id !== null) return id
  throw new AppError('not_found', {
    message: `There is no such ${noun}.`,
    fix: `Send an id that starts with ${ID_PREFIXES[noun]}_, or an external_id.`,
  })
}

const UNKNOWN_CODES = {
  advertiser: 'unknown_advertiser',
  offer: 'unknown_offer',
  affiliate: 'unknown_affiliate',
} as const

/** The resource that a field names; syncCatalogue comes first. Throws AppError `unknown_...` or `archived`. */
export function resolveField(
  catalogue: Context['catalogue'],
  reference: { noun: keyof typeof UNKNOWN_CODES; field: string; text: string; archivedToo?: boolean },
): Uuid {
  const { noun, field } = reference
  const id = catalogue.resolve(noun, reference.text)
  if (id === null)
    throw new AppError(UNKNOWN_CODES[noun], {
      field,
      fix: `Send an id that starts with ${ID_PREFIXES[noun]}_, or an external_id.`,
    })
  if (reference.archivedToo !== true && catalogue[noun](id)?.archived)
    throw new AppError('archived', {
      field,
      message: `The ${noun} is archived.`,
      fix: `Restore it with PATCH {"archived":false}, or name another ${noun}.`,
    })
  return id
}

/** A list's filter by a resource, archived ones included; null where not given. Throws AppError `unknown_...`. */
export async function resolveFilter(
  ctx: Needs,
  filter: { noun: keyof typeof UNKNOWN_CODES; field: string; text: string | undefined },
): Promise<Uuid | null> {
  const { text } = filter
  if (text === undefined) return null
  await syncCatalogue(ctx)
  return resolveField(ctx.catalogue, { ...filter, text, archivedToo: true })
}

/** Who something belongs to is part of its history: a PATCH may name the owner, but not another one. Throws AppError. */
export function assertSameOwner(
  catalogue: Context['catalogue'],
  reference: {
    noun: keyof typeof UNKNOWN_CODES
    field: string
    text: string | undefined
    owner: Uuid | undefined
  },
): void {
  const { noun, field, text, owner } = reference
  if (text === undefined) return
  if (resolveField(catalogue, { noun, field, text, archivedToo: true }) === owner) return
  throw new AppError('invalid_field', {
    field,
    message: `${field} can not be changed.`,
    fix: `Leave ${field} out, or make a new one for the other ${noun}.`,
  })
}

import type { CatalogueNoun } from '../catalogue/catalogue.ts'
import type { Context } from '../context.ts'
import { AppError } from '../kit/app-error.ts'
import type { ErrorCodeName } from '../kit/error-codes.ts'
import { decodeId, type Uuid } from '../kit/ids.ts'

const UNKNOWN: Record<CatalogueNoun, ErrorCodeName> = {
  advertiser: 'unknown_advertiser',
  offer: 'unknown_offer',
  affiliate: 'unknown_affiliate',
  destination: 'invalid_field',
}

/** The uuid behind an id or external_id in a filter; null where the filter is not given. Throws AppError if there is none such. */
export async function resolveFilter(
  ctx: Pick<Context, 'catalogue'>,
  noun: CatalogueNoun,
  text: string | undefined,
): Promise<Uuid | null> {
  if (text === undefined) return null
  const known = ctx.catalogue.resolve(noun, text)
  if (known !== null) return known
  // Another process may have made it within the last second.
  await ctx.catalogue.refresh()
  const found = ctx.catalogue.resolve(noun, text)
  if (found !== null) return found
  throw new AppError(UNKNOWN[noun], {
    field: `${noun}_id`,
    message: `There is no such ${noun}.`,
    fix: `GET /v1/${noun}s lists them; ids and external ids are both accepted.`,
  })
}

const OWNERS = ['affiliate', 'offer', 'advertiser'] as const

type OwnerQuery = { q?: string; affiliate_id?: string; offer_id?: string; advertiser_id?: string }

/** A search for the whole id of an affiliate, an offer or an advertiser is the filter by it, unless that asks for another. */
export function withOwnerSearch<Query extends OwnerQuery>(query: Query): Query {
  const { q, ...filters } = query
  const owner = OWNERS.find((noun) => q !== undefined && decodeId(noun, q) !== null)
  if (owner === undefined || (query[`${owner}_id`] ?? q) !== q) return query
  return { ...filters, [`${owner}_id`]: q } as Query
}

/** The uuid of a path parameter. Throws AppError not_found for anything else: "missing" and "not an id" look the same. */
export function pathId(noun: 'delivery' | 'conversion', text: string): Uuid {
  const id = decodeId(noun, text)
  if (id === null) throw notFound(noun)
  return id
}

const LISTS = { delivery: 'deliveries', conversion: 'conversions' } as const

export const notFound = (noun: 'delivery' | 'conversion'): AppError =>
  new AppError('not_found', {
    message: `There is no such ${noun}.`,
    fix: `GET /v1/${LISTS[noun]}?q= finds it by any of its ids.`,
  })

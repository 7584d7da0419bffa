import { addIdRange, type Conditions, createConditions } from '../db/conditions.ts'
import type { Db } from '../db/database.ts'
import type { PageRequest } from '../http/pagination.ts'
import { lowestUuid, type Noun, type Uuid, uuidTimeMs } from '../kit/ids.ts'
import type { ShownState } from './delivery-states.ts'
import { HELD_JOINS, HELD_REASON, HELD_REASONS } from './held.ts'
import { type IdSearch, SEARCHED_ROWS_MAX } from './id-search.ts'
import { findOpenIds } from './open-ids-store.ts'

export type DeliveryFilter = {
  states: readonly ShownState[]
  reason: string | null
  affiliateId: Uuid | null
  destinationId: Uuid | null
  offerId: Uuid | null
  advertiserId: Uuid | null
  conversionId: Uuid | null
  clickId: string | null
  affiliateClickId: string | null
  transactionId: string | null
  httpStatus: number | null
  error: string | null
  search: IdSearch | null
}

/** Where a branch looks: `from`, and what holds in it. */
type Branch = { from: string; where: string[] }

const LOG: Branch = { from: 'deliveries d', where: [] }

/** What only a delivery that is held can match starts from `due`, which is small beside the log. */
const HELD: Branch = {
  from: `due u join deliveries d on d.id = u.delivery_id and d.state = 'scheduled' ${HELD_JOINS}`,
  where: [`${HELD_REASON} is not null`],
}

/**
 * A statement that gives the ids of at most limit + 1 deliveries that the filter fits, newest first. Every state, every
 * column that a search text may be in, and every destination of an affiliate is a branch with a limit of its own: each
 * can read its index from the newest row on, which no condition with "or" could.
 */
export async function findIds(
  db: Db,
  page: PageRequest,
  filter: DeliveryFilter,
): Promise<{ text: string; values: unknown[] }> {
  const where = createConditions()
  addFilter(where, page, filter)
  const limit = where.bind(page.limit + 1)
  const bySearch = searchBranches(where, page, filter)
  const byState = await stateBranches(db, where, filter)
  const branches = bySearch.flatMap((search) =>
    byState.map((state) => toSelect(where, merge(state, search), filter, limit)),
  )
  return {
    text:
      branches.length === 1
        ? (branches[0] ?? '')
        : `${branches.join(' union ')} order by id desc limit ${limit}`,
    values: where.values,
  }
}

const merge = (state: Branch, search: Branch): Branch => ({
  from: `${state.from}${search.from}`,
  where: [...state.where, ...search.where],
})

/** An affiliate is asked for destination by destination, an advertiser offer by offer: what they have has an index. */
function toSelect(where: Conditions, branch: Branch, filter: DeliveryFilter, limit: string): string {
  const owner = ownerOf(filter)
  const conditions = [where.sql, ...branch.where, ...(owner === null ? [] : [`d.${owner.column} = p.id`])]
  const select = `(select d.id from ${branch.from} where ${conditions.map((one) => `(${one})`).join(' and ')}
    order by d.id desc limit ${limit})`
  if (owner === null) return select
  return `(select x.id from ${owner.table} p cross join lateral ${select} x
    where p.${owner.by} = ${where.bind(owner.id)} order by x.id desc limit ${limit})`
}

type Owner = { table: string; by: string; column: string; id: Uuid }

function ownerOf(filter: DeliveryFilter): Owner | null {
  const isNarrow = filter.destinationId !== null || filter.offerId !== null || isOfConversion(filter)
  if (isNarrow) return null
  if (filter.affiliateId !== null)
    return { table: 'destinations', by: 'affiliate_id', column: 'destination_id', id: filter.affiliateId }
  if (filter.advertiserId !== null)
    return { table: 'offers', by: 'advertiser_id', column: 'offer_id', id: filter.advertiserId }
  return null
}

const isOfConversion = (filter: DeliveryFilter): boolean =>
  [filter.conversionId, filter.clickId, filter.affiliateClickId, filter.transactionId, filter.search].some(
    (one) => one !== null,
  )

function addFilter(where: Conditions, page: PageRequest, filter: DeliveryFilter): void {
  addIdRange(where, 'd.id', page)
  if (filter.affiliateId !== null && ownerOf(filter)?.table !== 'destinations')
    where.add('d.affiliate_id = ?', filter.affiliateId)
  if (filter.destinationId !== null) where.add('d.destination_id = ?', filter.destinationId)
  if (filter.offerId !== null) where.add('d.offer_id = ?', filter.offerId)
  if (filter.advertiserId !== null && ownerOf(filter)?.table !== 'offers')
    where.add('d.advertiser_id = ?', filter.advertiserId)
  if (filter.conversionId !== null) where.add('d.conversion_id = ?', filter.conversionId)
  if (filter.httpStatus !== null) where.add('d.last_http_status = ?', filter.httpStatus)
  if (filter.error !== null) where.add('d.last_error = ?', filter.error)
}

const ALL: Branch = { from: '', where: [] }

/** Joined to the states' branches; a text is looked for in each column that has text ids. */
function searchBranches(where: Conditions, page: PageRequest, filter: DeliveryFilter): Branch[] {
  const named = [
    ['click_id', filter.clickId],
    ['affiliate_click_id', filter.affiliateClickId],
    ['transaction_id', filter.transactionId],
  ] as const
  const equal = named.flatMap(([column, value]) =>
    value === null ? [] : [`c.${column} = ${where.bind(value)}`],
  )
  // As a list of ids, whatever the statistics say: joined, the log was walked where a click id is that of many conversions.
  const joined: Branch =
    equal.length === 0
      ? ALL
      : {
          from: '',
          where: [
            `d.conversion_id = any(array(select c.id from conversions c where ${equal.join(' and ')}))`,
          ],
        }
  const { search } = filter
  if (search === null) return [joined]
  if (search.kind === 'range') {
    const column = SEARCHED_COLUMNS[search.noun] ?? 'd.id'
    const found =
      search.from === search.to
        ? `${column} = ${where.bind(search.from)}`
        : `${column} between ${where.bind(search.from)} and ${where.bind(search.to)}`
    return [{ ...joined, where: [...joined.where, found] }]
  }
  const pattern = where.bind(search.likePattern)
  const before = newestMs(page)
  // A conversion is never younger than its deliveries.
  const bound = before === null ? '' : `and id < ${where.bind(lowestUuid(before + 1))}`
  return named.map(([column]) => {
    const found = `select id from conversions where ${column} like ${pattern} ${bound} order by id desc limit ${SEARCHED_ROWS_MAX}`
    return {
      ...joined,
      where: [
        ...joined.where,
        `d.conversion_id = any(array(${found}))`,
        // Partitions older than the oldest of them are not looked into.
        `d.id >= (select (left(v.id::text, 13) || '-0000-0000-000000000000')::uuid from (${found}) v order by v.id limit 1)`,
      ],
    }
  })
}

/** Unix ms of the newest row that the page may hold; null: not bounded. */
function newestMs({ before, to }: PageRequest): number | null {
  const bounds = [before === null ? [] : [uuidTimeMs(before)], to === null ? [] : [to.getTime()]].flat()
  return bounds.length === 0 ? null : Math.min(...bounds)
}

const SEARCHED_COLUMNS: Partial<Record<Noun, string>> = {
  delivery: 'd.id',
  conversion: 'd.conversion_id',
  destination: 'd.destination_id',
}

const isHeldReason = (reason: string | null): boolean =>
  (HELD_REASONS as readonly (string | null)[]).includes(reason)

async function stateBranches(db: Db, where: Conditions, filter: DeliveryFilter): Promise<Branch[]> {
  const { reason } = filter
  if (isHeldReason(reason)) {
    const isAsked = (state: ShownState): boolean =>
      filter.states.length === 0 || filter.states.includes(state)
    const bound = where.bind(reason)
    // A delay is a row's own and rare in `due`; the other reasons hold a whole destination.
    const own = reason === 'delay' ? [`u.reason = ${bound}`] : []
    return [
      { ...HELD, where: isAsked('held') ? [`${HELD_REASON} = ${bound}`, ...own] : ['false'] },
      // After seven days of asking it is the reason of a failure.
      { ...LOG, where: isAsked('failed') ? [`d.state = 'failed' and d.reason = ${bound}`] : ['false'] },
    ]
  }
  if (reason !== null) where.add('d.reason = ?', reason)
  if (filter.states.length === 0) return [LOG]
  const branches: Branch[] = []
  for (const state of new Set(filter.states)) branches.push(await branchOf(db, where, state, filter))
  return branches
}

async function branchOf(
  db: Db,
  where: Conditions,
  state: ShownState,
  filter: DeliveryFilter,
): Promise<Branch> {
  if (state === 'held') return HELD
  if (state !== 'scheduled') return { ...LOG, where: [`d.state = ${where.bind(state)}`] }
  const open = await findOpenIds(db, filter.destinationId)
  if (open !== null)
    return { ...LOG, where: [`d.state = 'scheduled' and d.id = any(${where.bind(open)}::uuid[])`] }
  return {
    from: `deliveries d left join due u on u.delivery_id = d.id ${HELD_JOINS}`,
    where: [`d.state = 'scheduled' and ${HELD_REASON} is null`],
  }
}

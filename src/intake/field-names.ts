import { SUB_NAMES } from '../clicks/subs.ts'

/** What a call can report, in the names of the interface contract. */
export const CANONICAL_FIELDS = [
  'click_id',
  'transaction_id',
  'affiliate_click_id',
  'event',
  'status',
  'sale_amount',
  'payout',
  'revenue',
  'currency',
  'occurred_at',
  'affiliate_id',
  'offer_id',
  ...SUB_NAMES,
] as const

export type CanonicalField = (typeof CANONICAL_FIELDS)[number]

/** In the order in which they count. `tid` is not here: what it means depends on the other names, see pickFields. */
const ALIASES: Partial<Record<CanonicalField, readonly string[]>> = {
  click_id: ['clickid', 'click-id', 'cid', 'click', 'subid', 'sub_id'],
  transaction_id: ['txid', 'txn_id', 'order_id', 'orderid', 'action_id', 'transactionid', 'trans_id'],
  affiliate_click_id: ['aff_click_id'],
  event: ['goal', 'goal_id', 'et', 'type', 'event_name'],
  status: ['conv_status', 'cnv_status', 'state'],
  sale_amount: ['amount', 'sum', 'sale', 'price', 'order_sum', 'total'],
  affiliate_id: ['aff_id', 'pid'],
  offer_id: ['oid'],
}

export const TID = 'tid'

/** Rank 0 is the advertiser's own name, 1 the canonical one, then the aliases: of several that are sent the lowest counts. */
export type Meaning = { field: CanonicalField; rank: number }

export type FieldNames = {
  /** By parameter name in lower case. */
  meanings: ReadonlyMap<string, readonly Meaning[]>
  /** False where the advertiser's own map uses `tid`. */
  hasFreeTid: boolean
}

type ParamMap = Readonly<Record<string, string>>

const known = new WeakMap<ParamMap, FieldNames>()

/**
 * The names by which an advertiser's calls are read: its `param_map` first (canonical -> its name), a name used there
 * loses its own meaning; then the canonical name; then the aliases.
 */
export function fieldNames(paramMap: ParamMap): FieldNames {
  const found = known.get(paramMap)
  if (found !== undefined) return found
  const made = compileFieldNames(paramMap)
  known.set(paramMap, made)
  return made
}

function compileFieldNames(paramMap: ParamMap): FieldNames {
  const own = new Map(Object.entries(paramMap).map(([field, name]) => [field, name.toLowerCase()]))
  const taken = new Set(own.values())
  const meanings = new Map<string, Meaning[]>()
  const add = (name: string, meaning: Meaning): void => {
    const others = meanings.get(name)
    if (others === undefined) meanings.set(name, [meaning])
    else others.push(meaning)
  }
  for (const field of CANONICAL_FIELDS) {
    const ownName = own.get(field)
    if (ownName !== undefined) add(ownName, { field, rank: 0 })
    for (const [at, name] of [field, ...(ALIASES[field] ?? [])].entries())
      if (!taken.has(name)) add(name, { field, rank: at + 1 })
  }
  return { meanings, hasFreeTid: !taken.has(TID) }
}

import type { Db } from '../db/database.ts'
import { type IdSearch, SEARCHED_ROWS_MAX } from '../deliveries/id-search.ts'
import { lowestUuid, type Uuid, uuidTimeMs } from '../kit/ids.ts'
import type { InboundResult } from './inbound-parts.ts'
import type { InboundCall } from './report.ts'

export type StoredCall = {
  id: Uuid
  advertiserId: Uuid | null
  result: InboundResult
  code: string | null
  message: string | null
  field: string | null
  httpStatus: number
  conversionId: Uuid | null
  revision: number | null
  clickId: string | null
  transactionId: string | null
  event: string | null
  source: InboundCall['source']
  remoteIp: string | null
  reprocessedFrom: Uuid | null
  reprocessedAt: Date | null
  createdAt: Date
}

type CallRow = {
  id: Uuid
  advertiser_id: Uuid | null
  result: InboundResult
  code: string | null
  message: string | null
  field: string | null
  http_status: number
  conversion_id: Uuid | null
  revision: number | null
  click_id: string | null
  transaction_id: string | null
  event: string | null
  source: InboundCall['source']
  remote_ip: string | null
  reprocessed_from: Uuid | null
  reprocessed_at: Date | null
  created_at: Date
}

const COLUMNS = `i.id, i.advertiser_id, i.result, i.code, i.message, i.field, i.http_status, i.conversion_id, i.revision, i.click_id,
  i.transaction_id, i.event, i.source, i.remote_ip, i.reprocessed_from, i.reprocessed_at, i.created_at`

const toStoredCall = (row: CallRow): StoredCall => ({
  id: row.id,
  advertiserId: row.advertiser_id,
  result: row.result,
  code: row.code,
  message: row.message,
  field: row.field,
  httpStatus: row.http_status,
  conversionId: row.conversion_id,
  revision: row.revision,
  clickId: row.click_id,
  transactionId: row.transaction_id,
  event: row.event,
  source: row.source,
  remoteIp: row.remote_ip,
  reprocessedFrom: row.reprocessed_from,
  reprocessedAt: row.reprocessed_at,
  createdAt: row.created_at,
})

/** The raw call is null once RETENTION_BODIES_DAYS have passed. */
export async function findInboundCall(
  db: Db,
  id: Uuid,
): Promise<{ call: StoredCall; raw: InboundCall['raw'] | null } | null> {
  const { rows } = await db.query<CallRow & { request: InboundCall['raw'] | null }>({
    name: 'find_inbound_call',
    text: `select ${COLUMNS}, r.request from inbound_calls i left join inbound_raw r on r.id = i.id where i.id = $1`,
    values: [id],
  })
  const row = rows[0]
  return row === undefined ? null : { call: toStoredCall(row), raw: row.request }
}

export type InboundFilter = {
  result: InboundResult | null
  advertiserId: Uuid | null
  code: string | null
  search: IdSearch | null
  /** Ids from the first (inclusive) to the second (exclusive): both bounds of time and the cursor are such. */
  idFrom: Uuid | null
  idBefore: Uuid | null
  limit: number
}

const MINUTE_MS = 60_000

/** Newest first, one row more than `limit` where there are more. */
export async function listInboundCalls(db: Db, filter: InboundFilter): Promise<StoredCall[]> {
  const values: unknown[] = []
  const bind = (value: unknown): string => `$${values.push(value)}`
  const conditions: string[] = []
  if (filter.result !== null) conditions.push(`i.result = ${bind(filter.result)}`)
  if (filter.advertiserId !== null) conditions.push(`i.advertiser_id = ${bind(filter.advertiserId)}`)
  if (filter.code !== null) conditions.push(`i.code = ${bind(filter.code)}`)
  if (filter.idFrom !== null) conditions.push(`i.id >= ${bind(filter.idFrom)}`)
  if (filter.idBefore !== null) conditions.push(`i.id < ${bind(filter.idBefore)}`)
  if (filter.search !== null) {
    const found = foundIds(filter.search, filter.idBefore, bind)
    conditions.push(filter.search.kind === 'range' ? `i.id in (${found})` : `i.id = any(array(${found}))`)
  }
  const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`
  const { rows } = await db.query<CallRow>({
    text: `select ${COLUMNS} from inbound_calls i ${where} order by i.id desc limit ${bind(filter.limit + 1)}`,
    values,
  })
  return rows.map(toStoredCall)
}

/**
 * Each branch has its index: quarantined calls by their own ids, the others by their conversion, as lists of ids: joined, a
 * prefix that statistics take for wide had all calls walked. Of a prefix that fits more than 1,000 rows of a branch the
 * newest are found.
 */
function foundIds(search: IdSearch, idBefore: Uuid | null, bind: (value: unknown) => string): string {
  if (search.kind === 'range') {
    const column = search.noun === 'conversion' ? 'conversion_id' : 'id'
    return `select id from inbound_calls where ${column} >= ${bind(search.from)} and ${column} <= ${bind(search.to)}`
  }
  const like = bind(search.likePattern)
  const newest = `order by id desc limit ${SEARCHED_ROWS_MAX}`
  const below = (bound: Uuid | null): string => (bound === null ? '' : `and id < ${bind(bound)}`)
  const before = below(idBefore)
  // A conversion gets its id a moment after the call that made it.
  const madeBefore = below(idBefore && lowestUuid(uuidTimeMs(idBefore) + MINUTE_MS))
  const quarantined = (column: string): string =>
    `(select id from inbound_calls where result = 'quarantined' and ${column} like ${like} ${before} ${newest})`
  const converted = (column: string): string =>
    `(select id from inbound_calls where conversion_id = any(array(
      select id from conversions where ${column} like ${like} ${madeBefore} ${newest})))`
  return [
    quarantined('click_id'),
    quarantined('transaction_id'),
    converted('click_id'),
    converted('transaction_id'),
  ].join(' union all ')
}

/** Notes that a quarantined call was processed after all. */
export async function markReprocessed(db: Db, id: Uuid): Promise<void> {
  await db.query({
    name: 'mark_inbound_reprocessed',
    text: 'update inbound_calls set reprocessed_at = now() where id = $1',
    values: [id],
  })
}

/** The highest id among the calls of unknown tokens that are not among the newest `kept`; null: there are not so many. */
export async function findOldestSurplus(db: Db, kept: number): Promise<Uuid | null> {
  const { rows } = await db.query<{ id: Uuid }>({
    name: 'find_unknown_token_surplus',
    text: `select id from inbound_calls where advertiser_id is null and source = 'postback' order by id desc offset $1 limit 1`,
    values: [kept],
  })
  return rows[0]?.id ?? null
}

/** Deletes up to `rowsMax` calls of unknown tokens with an id up to `highest`, raw calls included. Returns how many. */
export async function deleteUnknownTokenCalls(
  db: Db,
  bounds: { highest: Uuid; rowsMax: number },
): Promise<number> {
  const { rows } = await db.query<{ deleted: string }>({
    name: 'delete_unknown_token_calls',
    text: `with gone as (
        delete from inbound_calls where id in (
          select id from inbound_calls where advertiser_id is null and source = 'postback' and id <= $1 order by id limit $2)
        returning id),
      raw as (delete from inbound_raw where id in (select id from gone))
      select count(*) as deleted from gone`,
    values: [bounds.highest, bounds.rowsMax],
  })
  return Number(rows[0]?.deleted ?? 0)
}

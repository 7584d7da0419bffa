import { syncCatalogue } from '../catalogue/resource.ts'
import type { Context } from '../context.ts'
import { readIdSearch } from '../deliveries/id-search.ts'
import { readPageRequest, toPage } from '../http/pagination.ts'
import { lowestUuid, type Uuid } from '../kit/ids.ts'
import { type InboundQuery, toWire } from './inbound-schema.ts'
import { listInboundCalls } from './inbound-store.ts'

type InboundPage = { data: ReturnType<typeof toWire>[]; next_cursor: string | null }

/** A page of inbound calls, newest first. An advertiser that does not exist has sent none. */
export async function findInboundCalls(
  ctx: Pick<Context, 'db' | 'catalogue'>,
  query: InboundQuery,
): Promise<InboundPage> {
  const { limit, before, from, to } = readPageRequest(query)
  if (query.advertiser_id !== undefined) await syncCatalogue(ctx)
  const advertiserId =
    query.advertiser_id === undefined ? null : ctx.catalogue.resolve('advertiser', query.advertiser_id)
  if (query.advertiser_id !== undefined && advertiserId === null) return { data: [], next_cursor: null }
  const calls = await listInboundCalls(ctx.db.reads, {
    result: query.result ?? null,
    advertiserId,
    code: query.code ?? null,
    search: query.q === undefined ? null : readIdSearch(query.q, ['inboundCall', 'conversion']),
    idFrom: from && lowestUuid(from.getTime()),
    idBefore: lower(before, to && lowestUuid(to.getTime())),
    limit,
  })
  return toPage(calls, limit, toWire)
}

const lower = (a: Uuid | null, b: Uuid | null): Uuid | null =>
  a === null || b === null ? (a ?? b) : a < b ? a : b

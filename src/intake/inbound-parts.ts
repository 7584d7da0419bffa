import type { Cell } from '../db/columns.ts'
import { type Part, type PartShape, part } from '../db/statement-parts.ts'
import type { Uuid } from '../kit/ids.ts'
import type { InboundCall } from './report.ts'

/** What became of a call. */
export type InboundResult = 'accepted' | 'duplicate' | 'parked' | 'quarantined'

/** One row of inbound_calls with its raw call. */
export type InboundRow = {
  call: InboundCall
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
}

/** The calls and, beside them, how they came. */
export const inboundParts = (rows: readonly InboundRow[]): Part[] => [
  part(INBOUND, rows, inboundValues),
  part(INBOUND_RAW, rows, ({ call }) => [call.id, JSON.stringify(call.raw)]),
]

const INBOUND: PartShape = {
  name: 'i',
  casts: [
    'uuid',
    'uuid',
    'text',
    'text',
    'text',
    'text',
    'smallint',
    'uuid',
    'int',
    'text',
    'text',
    'text',
    'text',
    'text',
    'uuid',
  ],
  sql: `insert into inbound_calls (id, advertiser_id, result, code, message, field, http_status, conversion_id, revision, click_id,
    transaction_id, event, source, remote_ip, reprocessed_from) select * from {rows}`,
}

const inboundValues = (row: InboundRow): Cell[] => [
  row.call.id,
  row.call.advertiserId,
  row.result,
  row.code,
  row.message,
  row.field,
  row.httpStatus,
  row.conversionId,
  row.revision,
  row.clickId,
  row.transactionId,
  row.event,
  row.call.source,
  row.call.remoteIp,
  row.call.reprocessedFrom,
]

const INBOUND_RAW: PartShape = {
  name: 'w',
  casts: ['uuid', 'text'],
  sql: 'insert into inbound_raw (id, request) select c1, c2::jsonb from {rows}',
}

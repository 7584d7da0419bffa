import { type Static, Type } from 'typebox'
import { PAGE_QUERY } from '../http/pagination.ts'
import { NullableText, OneOf, Page, Strict } from '../http/wire.ts'
import { encodeId } from '../kit/ids.ts'
import type { StoredCall } from './inbound-store.ts'
import type { InboundCall } from './report.ts'

export const InboundQuery = Strict({
  ...PAGE_QUERY,
  result: Type.Optional(OneOf(['accepted', 'duplicate', 'parked', 'quarantined'])),
  advertiser_id: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
  code: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'why, e.g. unknown_status' })),
  q: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 500,
      description:
        'exact or prefix of a click id, transaction id, call id or conversion id, never a substring',
    }),
  ),
})
export type InboundQuery = Static<typeof InboundQuery>

const Text = NullableText({ maxLength: 500 })
const Time = NullableText({ maxLength: 30, description: 'RFC 3339, UTC' })

const InboundCallFields = {
  id: Type.String(),
  advertiser_id: Text,
  result: Type.String(),
  code: Text,
  message: Text,
  field: Text,
  http_status: Type.Integer(),
  conversion_id: Text,
  revision: Type.Unsafe<number | null>({ type: ['integer', 'null'] }),
  click_id: Text,
  transaction_id: Text,
  event: Text,
  source: OneOf(['postback', 'api', 'reprocess']),
  remote_ip: Text,
  reprocessed_from: Text,
  reprocessed_at: Time,
  created_at: Type.String(),
}

export const InboundCallPage = Page(Type.Object(InboundCallFields))

export const InboundCallWithRequest = Type.Object({
  ...InboundCallFields,
  request: Type.Unsafe<unknown>({
    anyOf: [{ type: 'object' }, { type: 'null' }],
    description:
      'method, url (token masked), headers, body (up to 64 KiB), truncated; null past its retention',
  }),
})

export const toWire = (call: StoredCall) => ({
  id: encodeId('inboundCall', call.id),
  advertiser_id: call.advertiserId && encodeId('advertiser', call.advertiserId),
  result: call.result,
  code: call.code,
  message: call.message,
  field: call.field,
  http_status: call.httpStatus,
  conversion_id: call.conversionId && encodeId('conversion', call.conversionId),
  revision: call.revision,
  click_id: call.clickId,
  transaction_id: call.transactionId,
  event: call.event,
  source: call.source,
  remote_ip: call.remoteIp,
  reprocessed_from: call.reprocessedFrom && encodeId('inboundCall', call.reprocessedFrom),
  reprocessed_at: call.reprocessedAt?.toISOString() ?? null,
  created_at: call.createdAt.toISOString(),
})

export const toWireWithRequest = (call: StoredCall, raw: InboundCall['raw'] | null) => ({
  ...toWire(call),
  request: raw,
})

import type { Advertiser, ConversionStatus } from '../catalogue/catalogue.ts'
import type { Uuid } from '../kit/ids.ts'
import type { Decimal } from '../kit/money.ts'

/**
 * One report of an advertiser, understood and checked field by field, but not yet compared with anything stored.
 * Null: absent or empty, which leaves the stored value as it is.
 */
export type Report = {
  clickId: string | null
  /** A click id was sent, and it was empty. */
  hasEmptyClickId?: boolean
  transactionId: string | null
  affiliateClickId: string | null
  /** Lower case. */
  event: string | null
  status: ConversionStatus | null
  saleAmount: Decimal | null
  payout: Decimal | null
  revenue: Decimal | null
  /** Upper case. */
  currency: string | null
  occurredAt: Date | null
  /** The same as it was sent, where that lies ahead of our clock too. */
  occurredAtStated?: Date
  /** Index 0 is sub1; as long as the last one that was sent. */
  subs: readonly (string | null)[]
  /** As sent: TypeID or external_id. */
  affiliateId: string | null
  offerId: string | null
  /** What no canonical field took. */
  params: Readonly<Record<string, string>>
  /** E.g. `occurred_at_clamped`. */
  notes: readonly string[]
}

/** The call as it came, for inbound_calls and inbound_raw. */
export type InboundCall = {
  id: Uuid
  source: 'postback' | 'api' | 'reprocess'
  advertiserId: Uuid | null
  remoteIp: string | null
  reprocessedFrom: Uuid | null
  /** When the advertiser's call came, where that is not now: the time of a new conversion that names none. */
  receivedAt?: Date
  raw: {
    method: string
    /** Path and query with the token masked. */
    url: string
    headers: Readonly<Record<string, string>>
    /** At most 64 KiB. */
    body: string | null
    truncated: boolean
    /** Its signature was found right; which secret by (secretMark), so that it counts no longer than that. */
    signed_with?: string
  }
}

/** A report that waits for its flush. Of those that may be about one conversion (claims.ts) a flush holds one. */
export type FlushReport = {
  call: InboundCall & { advertiserId: Uuid }
  report: Report
  hash: string
  /** The advertiser as it was when the report was read; null: its settings had no part in it. */
  readBy: Advertiser | null
}

import type { ConversionStatus } from '../catalogue/catalogue.ts'
import type { Uuid } from '../kit/ids.ts'
import type { Decimal } from '../kit/money.ts'

/** The advertiser's statement, merged over all its reports; snake_case because it is stored and shown as it is. */
export type Reported = {
  status?: ConversionStatus
  payout?: Decimal
  revenue?: Decimal
  sale_amount?: Decimal
  currency?: string
}

/** Who gets the conversion and what the click knew of the visitor. */
export type Attribution = {
  attributedBy: 'click' | 'report'
  affiliateId: Uuid
  offerId: Uuid
  affiliateClickId: string | null
  subs: readonly (string | null)[]
  clickParams: Readonly<Record<string, string>>
  ip: string | null
  userAgent: string | null
  country: string | null
  clickedAt: Date | null
}

/** A conversion in its newest state, as the table holds it. */
export type Conversion = {
  id: Uuid
  advertiserId: Uuid
  byClick: boolean
  transactionId: string | null
  event: string
  clickId: string | null
  /** Null: parked or unattributed. */
  attribution: Attribution | null
  params: Readonly<Record<string, string>>
  occurredAt: Date
  status: ConversionStatus
  reported: Reported
  payout: Decimal | null
  currency: string | null
  saleAmount: Decimal | null
  revision: number
  note: string | null
}

/** One accepted state of a conversion. */
export type Revision = {
  id: Uuid
  revision: number
  status: ConversionStatus
  previousStatus: ConversionStatus | null
  payout: Decimal | null
  currency: string | null
  saleAmount: Decimal | null
  reported: Reported
  occurredAt: Date
  note: string | null
}

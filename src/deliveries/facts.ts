import type { ConversionStatus } from '../catalogue/catalogue.ts'
import type { Uuid } from '../kit/ids.ts'
import type { Decimal } from '../kit/money.ts'

/** Everything about one delivery that its macros can show; loaded from deliveries, revisions and conversions. */
export type DeliveryFacts = {
  deliveryId: Uuid
  conversionId: Uuid
  revision: number
  event: string
  status: ConversionStatus
  previousStatus: ConversionStatus | null
  payout: Decimal | null
  currency: string | null
  saleAmount: Decimal | null
  /** payout_due last delivered to this destination; loaded only for templates that use {payout_delta}. */
  payoutDueBefore: Decimal | null
  affiliateClickId: string | null
  /** The network's click id. */
  clickId: string | null
  /** Null where the click id is the identity; {transaction_id} then renders the conversion id. */
  transactionId: string | null
  subs: readonly (string | null)[]
  occurredAt: Date
  clickedAt: Date | null
  country: string | null
  ip: string | null
  userAgent: string | null
  params: Readonly<Record<string, string>>
  clickParams: Readonly<Record<string, string>>
  offerId: Uuid
  affiliateId: Uuid
  test: boolean
}

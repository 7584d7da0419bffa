import type { TravelPlan } from '../dispatch/plan-travel.ts'
import type { Uuid } from '../kit/ids.ts'
import type { InboundRow } from './inbound-parts.ts'
import type { RecentReport } from './merge.ts'
import type { ConversionPlan } from './plan-revisions.ts'

/** All that one flush, or one round of settling, writes. */
export type WritePlan = {
  inbound: readonly InboundRow[]
  conversions: readonly { plan: ConversionPlan; inboundCallId: Uuid | null }[]
  /** Keys of stored conversions whose list of recent reports or revision changed. */
  keys: readonly {
    conversionId: Uuid
    revision: number
    clickId: string | null
    recent: readonly RecentReport[] | null
  }[]
  travel: TravelPlan
  catalogueVersion: number
}

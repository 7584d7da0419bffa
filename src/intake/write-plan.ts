import type { Tx } from '../db/database.ts'
import { assemble } from '../db/statement-parts.ts'
import type { TravelPlan } from '../dispatch/plan-travel.ts'
import type { Uuid } from '../kit/ids.ts'
import { conversionParts } from './conversion-parts.ts'
import { deliveryParts } from './delivery-parts.ts'
import { type InboundRow, inboundParts } from './inbound-parts.ts'
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

/**
 * Writes the plan in one statement with one part per table. The keys must be locked. Batches get a lease of 15 s to be
 * claimed in.
 */
export async function writePlan(tx: Tx, plan: WritePlan): Promise<void> {
  const statement = assemble([
    ...inboundParts(plan.inbound),
    ...conversionParts(plan),
    ...deliveryParts(plan),
  ])
  if (statement !== null) await tx.query(statement)
}

import type { Tx } from '../db/database.ts'
import { assemble } from '../db/statement-parts.ts'
import { conversionParts } from './conversion-parts.ts'
import { deliveryParts } from './delivery-parts.ts'
import { inboundParts } from './inbound-parts.ts'
import type { WritePlan } from './write-plan.ts'

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

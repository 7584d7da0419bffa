import { withTx } from '../db/database.ts'
import { encodeId, newUuid, type Uuid } from '../kit/ids.ts'
import { formatAmount } from '../kit/money.ts'
import type { CallResult } from './call-answer.ts'
import type { ItemPlan } from './decide.ts'
import { decideReports, type FlushContext } from './flush.ts'
import { hashReport } from './merge.ts'
import { fieldSources, type Reading } from './read-call.ts'
import type { Report } from './report.ts'

/** The answer to a dry run. Throws the AppError that a report which was read would be refused with. */
export async function explainReading(
  ctx: FlushContext,
  advertiser: { id: Uuid },
  reading: Reading,
): Promise<CallResult> {
  if ('error' in reading) return { refused: reading.error, callId: null }
  const { report, fields } = reading
  const read = { fields: fieldSources(fields), params: report.params, notes: report.notes }
  return { understood: { dry_run: true, ...read, ...(await explainReport(ctx, advertiser, report)) } }
}

/**
 * What a report would do, decided like a real one in a transaction that is rolled back: attribution, payout and what
 * each destination would hear. Throws the AppError that the report would be refused with.
 */
async function explainReport(
  ctx: FlushContext,
  advertiser: { id: Uuid },
  report: Report,
): Promise<Record<string, unknown>> {
  const item = await decideOnly(ctx, advertiser.id, report)
  const { outcome, plan } = item
  if (outcome.result === 'refused') throw outcome.error
  if (outcome.result === 'stale') throw new Error('a report read by nobody can not be stale')
  const conversion = plan?.conversion ?? item.unchanged ?? null
  const attribution = conversion?.attribution ?? null
  return {
    result: outcome.result,
    note: 'note' in outcome ? outcome.note : null,
    revision: outcome.revision,
    status: conversion?.status ?? null,
    event: conversion?.event ?? null,
    attribution: attribution && {
      by: attribution.attributedBy,
      affiliate_id: encodeId('affiliate', attribution.affiliateId),
      offer_id: encodeId('offer', attribution.offerId),
      affiliate_click_id: attribution.affiliateClickId,
    },
    payout: conversion?.payout == null ? null : formatAmount(conversion.payout, conversion.currency),
    currency: conversion?.currency ?? null,
    destinations: (plan?.fanOut.deliveries ?? []).map((delivery) => ({
      destination_id: encodeId('destination', delivery.destination.id),
      name: delivery.destination.definition.name,
      decision: delivery.state === 'scheduled' ? 'send' : delivery.state,
      reason: delivery.reason,
    })),
  }
}

class RolledBack extends Error {}

async function decideOnly(ctx: FlushContext, advertiserId: Uuid, report: Report): Promise<ItemPlan> {
  const call = {
    id: newUuid(ctx.clock.nowMs()),
    source: 'api' as const,
    advertiserId,
    remoteIp: null,
    reprocessedFrom: null,
    raw: { method: 'GET', url: '', headers: {}, body: null, truncated: false },
  }
  const found: { item?: ItemPlan | undefined } = {}
  // A flood of dry runs would stand before the flushes of advertisers.
  await withTx(ctx.db.reads, async (tx) => {
    // No room is taken from the queue for deliveries that will not exist.
    const dry = { ...ctx, queues: { ...ctx.queues, room: () => 0, take: () => {} } }
    found.item = (
      await decideReports(dry, tx, [{ call, report, hash: hashReport(report), readBy: null }])
    ).items[0]
    throw new RolledBack()
  }).catch((error: unknown) => {
    if (!(error instanceof RolledBack)) throw error
  })
  if (!found.item) throw new Error('a report was not decided')
  return found.item
}

import type { Context } from '../context.ts'
import { type Tx, withTx } from '../db/database.ts'
import { AppError } from '../kit/app-error.ts'
import { newUuid, type Uuid } from '../kit/ids.ts'
import { type Click, needsSibling } from './attribution.ts'
import { decideReport, type ItemPlan } from './decide.ts'
import { type Identity, keySearch, needsResolving, resolveIdentity } from './identity.ts'
import type { InboundRow } from './inbound-parts.ts'
import { toInboundRows } from './inbound-row.ts'
import type { IntakeOutcome } from './intake.ts'
import { recentReport, rememberReport } from './merge.ts'
import type { StoredConversion } from './plan-revisions.ts'
import { planTravelOf } from './plan-travel-of.ts'
import type { FlushReport } from './report.ts'
import { deleteKeys, findClicks, findKnownKeys, type LockedKey, lockKeys, type ProposedKey } from './store.ts'
import { findReceivedAt, findSiblings, loadStored, type Sibling, siblingKey } from './stored-conversions.ts'
import { writePlan } from './write.ts'
import type { WritePlan } from './write-plan.ts'

export type FlushContext = Pick<Context, 'config' | 'db' | 'catalogue' | 'queues' | 'roads' | 'clock'>

export type Flushed = { outcomes: IntakeOutcome[]; batchIds: Uuid[]; conversions: WritePlan['conversions'] }

/**
 * Decides and stores reports, and the calls that were never understood, in one transaction. Resolves after the commit
 * with one outcome per report and the batches that workers should be told of.
 * beforeCommit gets the same, for the case that the connection is lost while committing.
 * Lock order everywhere: conversion_keys, unsettled, batches, deliveries, due; each by id.
 */
export async function flushReports(
  ctx: FlushContext,
  reports: readonly FlushReport[],
  refused: readonly InboundRow[],
  beforeCommit: (flushed: Flushed) => void,
): Promise<Flushed> {
  return withTx(ctx.db.intake, async (tx) => {
    const { outcomes, plan } = await decideReports(ctx, tx, reports)
    const rows = reports.flatMap((report, index) => toInboundRows(report, outcomes[index] as IntakeOutcome))
    const batchIds = plan.travel.batches.map((batch) => batch.id)
    const flushed = { outcomes, batchIds, conversions: plan.conversions }
    beforeCommit(flushed)
    tx.withCommit(writePlan(tx, { ...plan, inbound: [...rows, ...refused] }))
    return flushed
  })
}

type Decided = { outcomes: IntakeOutcome[]; items: ItemPlan[]; plan: Omit<WritePlan, 'inbound'> }

/** A report with the locked key it is about; or why there is none. */
type Placed = { report: FlushReport } & ({ key: LockedKey; isNew: boolean } | { error: AppError })

/** Locks what the reports are about and decides them. Writes nothing but the new keys. */
export async function decideReports(
  ctx: FlushContext,
  tx: Tx,
  reports: readonly FlushReport[],
): Promise<Decided> {
  const nowMs = ctx.clock.nowMs()
  const { placed, clicks, catalogueVersion, postgresNowMs } = await placeReports(tx, reports, nowMs)
  await ctx.catalogue.upTo(catalogueVersion)
  const stored = await loadStoredOf(tx, placed)
  const siblings = await findSiblingsOf(tx, placed)
  const receivedAtOf = await findReceivedAtOf(tx, placed)
  const found = { clicks, stored, siblings, receivedAtOf, nowMs: postgresNowMs }
  const items = placed.map((one) => decidePlaced(ctx, one, found))
  const refusedKeys = placed.flatMap((one, index) =>
    'key' in one && one.isNew && items[index]?.plan === null ? [one.key.conversionId] : [],
  )
  if (refusedKeys.length > 0) await deleteKeys(tx, refusedKeys)
  const conversions = items.flatMap(({ plan }, index) =>
    plan === null ? [] : [{ plan, inboundCallId: reports[index]?.call.id ?? null }],
  )
  return {
    outcomes: items.map(({ outcome }) => outcome),
    items,
    plan: {
      conversions,
      keys: placed.flatMap((one, index) => keyUpdate(one, items[index] as ItemPlan)),
      travel: await planTravelOf(
        ctx,
        tx,
        conversions.map(({ plan }) => plan),
        postgresNowMs,
      ),
      catalogueVersion,
    },
  }
}

type Placing = {
  placed: Placed[]
  /** Those that the reports name, read under the locks. */
  clicks: ReadonlyMap<string, Click>
  catalogueVersion: number
  postgresNowMs: number
}

async function placeReports(tx: Tx, reports: readonly FlushReport[], nowMs: number): Promise<Placing> {
  const identities = await identify(tx, reports)
  const proposed = new Map<FlushReport, ProposedKey>()
  for (const [index, report] of reports.entries()) {
    const identity = identities[index]
    if (identity && !(identity instanceof AppError)) proposed.set(report, proposeKey(report, identity, nowMs))
  }
  if (proposed.size === 0)
    return {
      placed: reports.map((report, index) => ({ report, error: identities[index] as AppError })),
      clicks: new Map(),
      catalogueVersion: 0,
      postgresNowMs: nowMs,
    }
  const [locked, clicks] = await Promise.all([
    lockKeys(tx, [...proposed.values()]),
    findNeededClicks(tx, [...proposed.keys()]),
  ])
  const byIdentity = new Map(locked.keys.map((key) => [identityText(key), key]))
  const placed = reports.map((report, index): Placed => {
    const mine = proposed.get(report)
    const key = mine && byIdentity.get(identityText(mine))
    if (!mine || !key) return { report, error: identities[index] as AppError }
    return { report, key, isNew: key.conversionId === mine.conversionId }
  })
  const { catalogueVersion, postgresNowMs } = locked
  return { placed, clicks, catalogueVersion, postgresNowMs }
}

const identityText = (key: Identity): string =>
  JSON.stringify([key.advertiserId, key.byClick, key.identity, key.event])

/** Each report's identity, or the refusal where nothing or too much identifies it. One query for those that need one. */
async function identify(tx: Tx, reports: readonly FlushReport[]): Promise<(Identity | AppError)[]> {
  const unclear = reports.filter(({ report }) => needsResolving(report))
  const known =
    unclear.length === 0
      ? []
      : await findKnownKeys(
          tx,
          unclear.map(({ call, report }) => keySearch(call.advertiserId, report)),
        )
  return reports.map(({ call, report }) => {
    try {
      return resolveIdentity(call.advertiserId, report, needsResolving(report) ? known : [])
    } catch (error) {
      if (error instanceof AppError) return error
      throw error
    }
  })
}

const proposeKey = (flushed: FlushReport, identity: Identity, nowMs: number): ProposedKey => ({
  ...identity,
  conversionId: newUuid(nowMs),
  clickId: flushed.report.clickId,
  recent: rememberReport([], recentReport(flushed, 1, nowMs)),
})

async function findNeededClicks(tx: Tx, reports: readonly FlushReport[]): Promise<Map<string, Click>> {
  const ids = reports.flatMap(({ report }) => (report.clickId === null ? [] : [report.clickId]))
  return ids.length === 0 ? new Map() : findClicks(tx, ids)
}

async function loadStoredOf(tx: Tx, placed: readonly Placed[]): Promise<Map<Uuid, StoredConversion>> {
  const ids = placed.flatMap((one) => ('key' in one && !one.isNew ? [one.key.conversionId] : []))
  return ids.length === 0 ? new Map() : loadStored(tx, ids)
}

async function findSiblingsOf(tx: Tx, placed: readonly Placed[]): Promise<Map<string, Sibling>> {
  const of = placed.flatMap((one) => {
    if (!('key' in one) || !one.isNew || !needsSibling(one.report.report)) return []
    const { advertiserId, byClick, identity } = one.key
    return byClick ? [] : [{ advertiserId, transactionId: identity }]
  })
  return of.length === 0 ? new Map() : findSiblings(tx, of)
}

/** Only a call that is processed again asks when the others came. */
async function findReceivedAtOf(tx: Tx, placed: readonly Placed[]): Promise<Map<Uuid, Date>> {
  const ids = placed.flatMap((one) =>
    'key' in one && !one.isNew && one.report.call.receivedAt !== undefined ? [one.key.conversionId] : [],
  )
  return ids.length === 0 ? new Map() : findReceivedAt(tx, ids)
}

type Found = {
  clicks: ReadonlyMap<string, Click>
  stored: ReadonlyMap<Uuid, StoredConversion>
  siblings: ReadonlyMap<string, Sibling>
  receivedAtOf: ReadonlyMap<Uuid, Date>
  nowMs: number
}

function decidePlaced(ctx: Pick<Context, 'catalogue'>, one: Placed, found: Found): ItemPlan {
  if ('error' in one) return { outcome: { result: 'refused', error: one.error }, recent: null, plan: null }
  const { report, hash, readBy, call } = one.report
  // By now the catalogue is as new as the key lock, so a control write holds for every call after its answer.
  if (readBy !== null && readBy !== ctx.catalogue.advertiser(call.advertiserId))
    return { outcome: { result: 'stale' }, recent: null, plan: null }
  return decideReport({
    catalogue: ctx.catalogue,
    identity: one.key,
    report,
    hash,
    recent: one.isNew ? [] : one.key.recent,
    conversionId: one.key.conversionId,
    stored: one.isNew ? null : (found.stored.get(one.key.conversionId) ?? null),
    receivedAt: call.receivedAt,
    receivedAtOf: found.receivedAtOf,
    click: report.clickId === null ? undefined : found.clicks.get(report.clickId),
    sibling: found.siblings.get(siblingKey(one.key.advertiserId, one.key.identity)),
    nowMs: found.nowMs,
  })
}

/** New keys were inserted as they are to be, but for a click that only another event of their transaction told. */
function keyUpdate(one: Placed, item: ItemPlan): WritePlan['keys'][number][] {
  if ('error' in one || item.recent === null || !('revision' in item.outcome)) return []
  const { report } = one.report
  const clickId = (item.plan?.conversion ?? item.unchanged)?.clickId ?? report.clickId
  if (one.isNew && clickId === report.clickId) return []
  return [
    { conversionId: one.key.conversionId, revision: item.outcome.revision, clickId, recent: item.recent },
  ]
}

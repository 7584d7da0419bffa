import type { Advertiser } from '../catalogue/catalogue.ts'
import { resolveField, syncCatalogue } from '../catalogue/resource.ts'
import type { Context } from '../context.ts'
import { AppError } from '../kit/app-error.ts'
import { newUuid } from '../kit/ids.ts'
import type { CallResult } from './call-answer.ts'
import { explainReading } from './explain.ts'
import type { FlushContext } from './flush.ts'
import type { Intake } from './intake.ts'
import { isJsonObject, type JsonObject } from './json-body.ts'
import { type FoundIds, idsOf, type Reading, readConversion } from './read-call.ts'
import { withoutAdvertiser } from './read-stored-call.ts'
import type { InboundCall } from './report.ts'
import { storeReading, storeRefusal } from './store-report.ts'

type Needs = Pick<Context, 'db' | 'catalogue' | 'clock' | 'metrics'>

/** What the calls of one request have in common; `toRaw` is the raw call of one conversion. */
export type ConversionSource = { remoteIp: string; toRaw(conversion: unknown): InboundCall['raw'] }

/** Of one list at a time: two long ones would else fill the line, and everybody else would be told `overloaded`. */
const IN_LINE_MAX = 250

/**
 * Reads and stores conversions reported through the API. Each refuses itself only; those of one identity are decided in
 * the given order. Rejects with AppError `overloaded` or `store_unavailable` where none of them was stored.
 */
export async function acceptConversions(
  ctx: Needs,
  { intake }: { intake: Intake },
  { conversions, source }: { conversions: readonly unknown[]; source: ConversionSource },
): Promise<CallResult[]> {
  const startedAtMs = ctx.clock.monotonicMs()
  intake.assertRoom()
  await syncCatalogue(ctx)
  const results: CallResult[] = []
  for (let at = 0; at < conversions.length; at += IN_LINE_MAX) {
    const part = conversions.slice(at, at + IN_LINE_MAX)
    const settled = await Promise.allSettled(
      part.map((conversion) => acceptOne(ctx, intake, { conversion, source })),
    )
    results.push(...settled.map(toResult))
  }
  if (results.some((result) => 'outcome' in result))
    ctx.metrics.acceptSeconds((ctx.clock.monotonicMs() - startedAtMs) / 1000)
  const [first] = results
  if (first !== undefined && 'refused' in first && results.every(isUnstored)) throw first.refused
  return results
}

/** What a conversion would do if it were reported; nothing is stored. Throws the AppError that it would be refused with. */
export async function explainConversion(
  ctx: FlushContext,
  { intake }: { intake: Intake },
  conversion: unknown,
): Promise<CallResult> {
  intake.assertRoom()
  await syncCatalogue(ctx)
  const sender = findSender(ctx, conversion)
  if (sender instanceof AppError) throw sender
  return explainReading(ctx, sender.advertiser, read(sender, ctx.clock.nowMs()))
}

function toResult(settled: PromiseSettledResult<CallResult>): CallResult {
  if (settled.status === 'fulfilled') return settled.value
  if (settled.reason instanceof AppError) return { refused: settled.reason, callId: null }
  throw settled.reason
}

const isUnstored = (result: CallResult): boolean => 'refused' in result && result.refused.status === 503

type OneConversion = { conversion: unknown; source: ConversionSource }

async function acceptOne(
  ctx: Needs,
  intake: Intake,
  { conversion, source }: OneConversion,
): Promise<CallResult> {
  const nowMs = ctx.clock.nowMs()
  const call = {
    id: newUuid(nowMs),
    source: 'api' as const,
    advertiserId: null,
    remoteIp: source.remoteIp,
    reprocessedFrom: null,
    raw: source.toRaw(conversion),
  }
  const sender = findSender(ctx, conversion)
  if (sender instanceof AppError)
    return storeRefusal(intake, call, { error: sender, found: findIds(conversion, nowMs) })
  const reading = read(sender, nowMs)
  return storeReading(intake, { ...call, advertiserId: sender.advertiser.id }, reading)
}

const findIds = (conversion: unknown, nowMs: number): FoundIds =>
  isJsonObject(conversion)
    ? idsOf(readConversion(conversion, { paramMap: NO_MAP, statusMap: {}, timezone: 'UTC', nowMs }))
    : {}

type Sender = { advertiser: Advertiser; report: JsonObject }

function findSender({ catalogue }: Pick<Needs, 'catalogue'>, conversion: unknown): Sender | AppError {
  if (!isJsonObject(conversion))
    return new AppError('malformed', {
      message: 'A conversion is a JSON object.',
      fix: 'Send {"advertiser_id":"...","click_id":"..."}.',
    })
  const { advertiser_id: text } = conversion
  if (text === undefined || text === null || text === '')
    return new AppError('missing_field', { field: 'advertiser_id', fix: 'Send advertiser_id.' })
  if (typeof text !== 'string')
    return new AppError('invalid_field', { field: 'advertiser_id', fix: 'Send the id as a text.' })
  try {
    const id = resolveField(catalogue, { noun: 'advertiser', field: 'advertiser_id', text })
    const advertiser = catalogue.advertiser(id)
    if (advertiser === undefined) return new AppError('unknown_advertiser', { field: 'advertiser_id' })
    return { advertiser, report: withoutAdvertiser(conversion) }
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
}

/** In the names of this API: the advertiser's param_map is about its own calls. Its status words are known here too. */
function read({ advertiser: { statusMap, timezone }, report }: Sender, nowMs: number): Reading {
  return readConversion(report, { paramMap: NO_MAP, statusMap, timezone, nowMs })
}

const NO_MAP: Readonly<Record<string, string>> = {}

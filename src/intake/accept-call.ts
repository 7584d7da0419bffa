import type { Advertiser } from '../catalogue/catalogue.ts'
import { syncCatalogue } from '../catalogue/resource.ts'
import type { Context } from '../context.ts'
import type { FailedAttempts } from '../http/failed-attempts.ts'
import { AppError } from '../kit/app-error.ts'
import { newUuid, type Uuid } from '../kit/ids.ts'
import type { CallResult } from './call-answer.ts'
import { OPTION_NAMES } from './call-options.ts'
import { findSenderRefusal, type Sender } from './check-sender.ts'
import { explainReading } from './explain.ts'
import type { FindAdvertiser } from './find-advertiser.ts'
import type { Intake } from './intake.ts'
import { type ArrivedCall, toRawCall } from './raw-call.ts'
import { idsOf, type Reading, readCall } from './read-call.ts'
import type { InboundCall } from './report.ts'
import { secretMark } from './signature.ts'
import { storeReadingOf, storeRefusal } from './store-report.ts'

export type CallParts = {
  intake: Intake
  failedAttempts: FailedAttempts
  findAdvertiser: FindAdvertiser
}

export type PostbackCall = ArrivedCall & Sender & { contentType: string | null; isDryRun: boolean }

type Known = { call: PostbackCall; advertiser: Advertiser | undefined }

/**
 * Authenticates, reads and stores one call of /postback. What is refused is stored with its reason before the refusal is
 * answered; `overloaded` and `store_unavailable` say that nothing was stored. Rejects with those where the advertiser is not
 * known yet.
 */
export async function acceptCall(
  ctx: Context,
  parts: CallParts,
  call: PostbackCall,
): Promise<{ result: CallResult; advertiser: Advertiser | undefined }> {
  const startedAtMs = ctx.clock.monotonicMs()
  parts.intake.assertRoom()
  for (;;) {
    const advertiser = await parts.findAdvertiser(call.token)
    const answering =
      advertiser === undefined
        ? refuseToken(ctx, parts, call)
        : answerAdvertiser(ctx, parts, { call, advertiser })
    const result = await answering.catch(toRefused)
    if (result === 'stale') continue
    if ('outcome' in result) ctx.metrics.acceptSeconds((ctx.clock.monotonicMs() - startedAtMs) / 1000)
    return { result, advertiser }
  }
}

const toRefused = (error: unknown): CallResult => {
  if (error instanceof AppError) return { refused: error, callId: null }
  throw error
}

const NO_MAPS = { paramMap: {}, statusMap: {}, timezone: 'UTC' } as const

async function refuseToken(ctx: Context, parts: CallParts, call: PostbackCall): Promise<CallResult> {
  const retryAfterS = parts.failedAttempts.record(call.remoteIp)
  const error =
    retryAfterS === null ? new AppError('unknown_token') : new AppError('too_many_failures', { retryAfterS })
  const found = idsOf(read(ctx, call, NO_MAPS))
  return storeRefusal(parts.intake, toInboundCall(ctx, call, null), { error, found })
}

async function answerAdvertiser(
  ctx: Context,
  parts: CallParts,
  { call, advertiser }: Known & { advertiser: Advertiser },
): Promise<CallResult | 'stale'> {
  const error = findSenderRefusal(ctx, advertiser, call)
  const understood = read(ctx, call, advertiser)
  const reading = error === null ? understood : { error, found: idsOf(understood) }
  if ('error' in reading && (await hasChanged(ctx, advertiser))) return 'stale'
  if (call.isDryRun) return explainReading(ctx, advertiser, reading)
  const inbound = toInboundCall(ctx, call, advertiser.id)
  const raw = error === null ? withSecretMark(inbound.raw, advertiser) : inbound.raw
  const kept = { ...inbound, advertiserId: advertiser.id, raw }
  return storeReadingOf(parts.intake, { call: kept, reading, readBy: advertiser })
}

/** Without its token and with bytes that are no text replaced a kept call can not be verified again. */
const withSecretMark = (
  raw: InboundCall['raw'],
  { signingSecret }: Pick<Advertiser, 'signingSecret'>,
): InboundCall['raw'] => (signingSecret === null ? raw : { ...raw, signed_with: secretMark(signingSecret) })

/** Another process may have changed what a refusal is about to be based on; the flush asks the same for reports. */
async function hasChanged(ctx: Pick<Context, 'db' | 'catalogue'>, advertiser: Advertiser): Promise<boolean> {
  // Where the store is away, storing the refusal says so.
  await syncCatalogue(ctx).catch(() => undefined)
  return ctx.catalogue.advertiser(advertiser.id) !== advertiser
}

type Maps = Pick<Advertiser, 'paramMap' | 'statusMap' | 'timezone'>

function read(ctx: Context, call: PostbackCall, { paramMap, statusMap, timezone }: Maps): Reading {
  const { query, contentType } = call
  const content = { query, contentType, body: call.isWhole ? call.body : null, ignored: OPTION_NAMES }
  return readCall(content, { paramMap, statusMap, timezone, nowMs: ctx.clock.nowMs() })
}

function toInboundCall(ctx: Context, call: PostbackCall, advertiserId: Uuid | null): InboundCall {
  return {
    id: newUuid(ctx.clock.nowMs()),
    source: 'postback',
    advertiserId,
    remoteIp: call.remoteIp,
    reprocessedFrom: null,
    raw: toRawCall(call),
  }
}

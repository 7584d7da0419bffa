import type { Advertiser } from '../catalogue/catalogue.ts'
import { syncCatalogue } from '../catalogue/resource.ts'
import type { Context } from '../context.ts'
import { AppError } from '../kit/app-error.ts'
import { newUuid, type Uuid } from '../kit/ids.ts'
import type { CallResult } from './call-answer.ts'
import { findSenderRefusal } from './check-sender.ts'
import { findInboundCall, markReprocessed, type StoredCall } from './inbound-store.ts'
import type { Intake } from './intake.ts'
import { CONVERSIONS_PATH, readStoredCall, storedConversion } from './read-stored-call.ts'
import type { InboundCall } from './report.ts'
import { secretMark } from './signature.ts'
import { storeReading } from './store-report.ts'

type Needs = Pick<Context, 'db' | 'catalogue' | 'clock' | 'secrets'>

/**
 * Reads a quarantined call again by today's rules, as a call of its own. What was refused again may be tried again, what
 * was stored not. Throws AppError `not_found`, `not_reprocessable`, `overloaded`, `store_unavailable`.
 */
export async function reprocessCall(
  ctx: Needs,
  { intake }: { intake: Intake },
  id: Uuid,
): Promise<CallResult> {
  const found = await findInboundCall(ctx.db.reads, id)
  if (found === null) throw noSuchCall()
  const raw = assertReprocessable(found)
  await syncCatalogue(ctx)
  const advertiser = findSender(ctx, found.call, raw)
  assertSenderAllowed(ctx, advertiser, found.call, raw)
  const nowMs = ctx.clock.nowMs()
  const call = {
    id: newUuid(nowMs),
    source: 'reprocess' as const,
    advertiserId: advertiser.id,
    remoteIp: found.call.remoteIp,
    reprocessedFrom: id,
    receivedAt: found.call.createdAt,
    raw,
  }
  const result = await storeReading(intake, call, readStoredCall(raw, advertiser, nowMs))
  if ('outcome' in result) await markReprocessed(ctx.db.reads, id)
  return result
}

function assertReprocessable({
  call,
  raw,
}: {
  call: StoredCall
  raw: InboundCall['raw'] | null
}): InboundCall['raw'] {
  if (call.result !== 'quarantined') throw refusal(`It was ${call.result}; only quarantined calls can be.`)
  if (call.reprocessedAt !== null)
    throw refusal(`It was processed again at ${call.reprocessedAt.toISOString()}.`)
  if (raw === null) throw refusal('The raw call is past its retention.')
  if (raw.truncated) throw refusal('Only a part of the raw call was kept.')
  return raw
}

function findSender(
  { catalogue }: Pick<Context, 'catalogue'>,
  call: StoredCall,
  raw: InboundCall['raw'],
): Advertiser {
  const named = storedConversion(raw)?.advertiser_id
  const id = call.advertiserId ?? (typeof named === 'string' ? catalogue.resolve('advertiser', named) : null)
  const advertiser = id === null ? undefined : catalogue.advertiser(id)
  if (advertiser === undefined) throw refusal('It is not known which advertiser sent it.')
  if (advertiser.archived) throw refusal('Its advertiser is archived.')
  return advertiser
}

/**
 * An address or a signature that is refused today is refused here too: the call may be forged. Only its age no longer
 * counts.
 */
function assertSenderAllowed(
  ctx: Needs,
  advertiser: Advertiser,
  call: StoredCall,
  raw: InboundCall['raw'],
): void {
  if (raw.url.startsWith(CONVERSIONS_PATH)) return
  const queryAt = raw.url.indexOf('?')
  const refused = findSenderRefusal(ctx, advertiser, {
    method: raw.method,
    query: queryAt === -1 ? '' : raw.url.slice(queryAt + 1),
    body: raw.body === null ? null : Buffer.from(raw.body),
    isWhole: true,
    signature: raw.headers['x-signature'],
    remoteIp: call.remoteIp ?? '',
  })
  if (refused === null || refused.code === 'signature_expired') return
  if (!isVerified(advertiser, raw) || !refused.code.startsWith('signature_'))
    throw refusal(`Its sender is not allowed today either: ${refused.code}.`)
}

/** By today's secret, when it came. */
const isVerified = ({ signingSecret }: Advertiser, raw: InboundCall['raw']): boolean =>
  signingSecret !== null && raw.signed_with === secretMark(signingSecret)

/** For ids that no inbound call has. */
export const noSuchCall = (): AppError =>
  new AppError('not_found', {
    message: 'There is no such inbound call.',
    fix: 'GET /v1/inbound-calls lists the calls.',
  })

const refusal = (why: string): AppError =>
  new AppError('not_reprocessable', { message: `This call can not be processed again. ${why}` })

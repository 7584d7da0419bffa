import type { Advertiser } from '../catalogue/catalogue.ts'
import type { AppError } from '../kit/app-error.ts'
import type { Uuid } from '../kit/ids.ts'
import type { CallResult } from './call-answer.ts'
import type { Intake } from './intake.ts'
import type { Reading } from './read-call.ts'
import type { InboundCall } from './report.ts'

type Submitted = InboundCall & { advertiserId: Uuid }

/** Stores what was read of a call: the report, or the refusal with the call. Rejects where nothing could be stored. */
export async function storeReading(
  intake: Pick<Intake, 'submit' | 'quarantine'>,
  call: Submitted,
  reading: Reading,
): Promise<CallResult> {
  const result = await storeReadingOf(intake, { call, reading, readBy: null })
  if (result === 'stale') throw new Error('a reading that no settings had a part in can not be stale')
  return result
}

/** The same for a call that was read by an advertiser's settings; `stale`: they changed, nothing was stored. */
export async function storeReadingOf(
  intake: Pick<Intake, 'submit' | 'quarantine'>,
  { call, reading, readBy }: { call: Submitted; reading: Reading; readBy: Advertiser | null },
): Promise<CallResult | 'stale'> {
  if ('error' in reading) return storeRefusal(intake, call, reading)
  const outcome = await intake.submit(call, reading.report, readBy)
  if (outcome.result === 'stale') return 'stale'
  return outcome.result === 'refused' ? { refused: outcome.error, callId: call.id } : { outcome }
}

/** Stores a call that is refused with the reason that its sender is told. */
export async function storeRefusal(
  intake: Pick<Intake, 'quarantine'>,
  call: InboundCall,
  { error, found }: { error: AppError; found: Parameters<Intake['quarantine']>[2] },
): Promise<CallResult> {
  await intake.quarantine(call, error, found)
  return { refused: error, callId: call.id }
}

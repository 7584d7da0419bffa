import type { DeliveryFacts } from '../deliveries/facts.ts'
import { uuidTimeMs } from '../kit/ids.ts'
import type { CompiledDestination } from './compile.ts'

/**
 * What a rejected conversion is at a receiver that takes it back by an event of its own (GA4: refund): that event, at
 * the time when the rejection was accepted. Everything else stays as it is.
 */
export function asReversal(
  compiled: Pick<CompiledDestination, 'reversalEvent'>,
  facts: DeliveryFacts,
): DeliveryFacts {
  if (compiled.reversalEvent === null || facts.status !== 'rejected') return facts
  return { ...facts, event: compiled.reversalEvent, occurredAt: new Date(uuidTimeMs(facts.deliveryId)) }
}

/** The receiver refuses events of this age; a reversal is an event of its own, whose age begins with it. */
export function isTooOld(
  compiled: Pick<CompiledDestination, 'ageSecondsMax' | 'reversalEvent'>,
  event: Pick<DeliveryFacts, 'status' | 'occurredAt'> & { deliveryId?: string },
  nowMs: number,
): boolean {
  if (compiled.ageSecondsMax === null) return false
  const isReversal = event.status === 'rejected' && compiled.reversalEvent !== null
  const sinceMs = isReversal
    ? event.deliveryId === undefined
      ? nowMs
      : uuidTimeMs(event.deliveryId)
    : event.occurredAt.getTime()
  return nowMs - sinceMs > compiled.ageSecondsMax * 1000
}

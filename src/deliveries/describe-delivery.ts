import { at, describeAnswer, stamp, times } from './sentences.ts'
import { explainSkip } from './skip-reasons.ts'
import type { TracedDelivery, TraceVerdict } from './trace-facts.ts'

/** What became of one delivery, and what to do if the tracker does not show it. */
export function describeDelivery(delivery: TracedDelivery): TraceVerdict {
  const verdict = describe(delivery)
  return { ...verdict, sentence: withCapital(verdict.sentence) }
}

const withCapital = (sentence: string): string => sentence.charAt(0).toUpperCase() + sentence.slice(1)

function describe(delivery: TracedDelivery): TraceVerdict {
  switch (delivery.state) {
    case 'delivered':
      return delivered(delivery)
    case 'refused':
      return refused(delivery)
    case 'failed':
      return failed(delivery)
    case 'held':
      return held(delivery)
    case 'scheduled':
      return delivery.attemptsCount === 0 ? scheduled(delivery) : retrying(delivery)
    case 'skipped':
      return skipped(delivery)
    case 'superseded':
      return superseded(delivery)
    case 'cancelled':
      return cancelled(delivery)
  }
}

const what = (delivery: TracedDelivery): string => `${delivery.event} (${delivery.status})`
const replay = (delivery: TracedDelivery): string => `POST /v1/deliveries/${delivery.id}/replay`
const answer = (delivery: TracedDelivery): string =>
  describeAnswer({
    httpStatus: delivery.lastHttpStatus,
    error: delivery.lastError,
    body: delivery.lastAnswer,
  })
const lastAt = (delivery: TracedDelivery): string =>
  delivery.lastAttemptAt === null ? '' : ` ${at(delivery.lastAttemptAt)}`

function delivered(delivery: TracedDelivery): TraceVerdict {
  const clickId = delivery.affiliateClickId ?? '(empty)'
  if (delivery.unconfirmed) return sentUnconfirmed(delivery)
  return {
    code: 'delivered',
    sentence: `${delivery.tracker} was told of ${what(delivery)} ${at(delivery.deliveredAt ?? delivery.createdAt)} and accepted it with ${answer(delivery)}.`,
    fix: `Search the tracker for its click id ${clickId}: it has the call. Trackers that answer 200 and show nothing usually do not know that click, count it as a repeat, or filter its status; the request as sent is in GET /v1/deliveries/${delivery.id}.`,
  }
}

const sentUnconfirmed = (delivery: TracedDelivery): TraceVerdict => ({
  code: 'delivered',
  sentence: `${delivery.tracker} was sent ${what(delivery)} ${at(delivery.deliveredAt ?? delivery.createdAt)} and answered ${answer(delivery)}; it never says whether it took an event.`,
  fix: `If it does not show there, check its keys first: a wrong one is answered just the same. POST /v1/destinations/${delivery.destinationId}/test asks it for what is wrong with the event, where it tells.`,
})

const refused = (delivery: TracedDelivery): TraceVerdict => ({
  code: 'refused',
  sentence: `${delivery.tracker} refused ${what(delivery)}${lastAt(delivery)} with ${answer(delivery)}; a refusal is not tried again.`,
  fix: `Compare the request in GET /v1/deliveries/${delivery.id} with what the tracker asks for, correct the destination, then ${replay(delivery)}.`,
})

function failed(delivery: TracedDelivery): TraceVerdict {
  if (delivery.attemptsCount === 0)
    return {
      code: 'failed',
      sentence: `${what(delivery)} could not be sent to ${delivery.tracker}: ${delivery.lastError ?? delivery.reason ?? 'the request could not be made'}.`,
      fix: `Correct the destination's template, then ${replay(delivery)}.`,
    }
  const since = delivery.firstAttemptAt === null ? '' : ` from ${stamp(delivery.firstAttemptAt)} on`
  return {
    code: 'failed',
    sentence: `${delivery.tracker} was called ${times(delivery.attemptsCount)}${since} for ${what(delivery)} and never accepted it; the last answer${lastAt(delivery)}: ${answer(delivery)}. ${whyEnded(delivery)}`,
    fix: `Ask the tracker's owner to mend it (the exact call is in GET /v1/deliveries/${delivery.id}), then ${replay(delivery)}.`,
  }
}

function whyEnded({ reason, lastError }: TracedDelivery): string {
  if (reason === null) return 'All retries are used up.'
  if (reason === 'receiver_asked')
    return 'It asked to wait (Retry-After) again and again for seven days, which is the limit.'
  return `The relay could not go on (${reason}${lastError === null ? '' : `: ${lastError}`}).`
}

const HOLDS: Readonly<Record<string, { why: string; fix: string }>> = {
  paused: {
    why: 'its destination is paused',
    fix: 'Resume it with POST /v1/destinations/:id/resume; nothing is lost, and what waits then goes out.',
  },
  disabled: {
    why: 'its destination is disabled since the tracker said that the address is gone (HTTP 410)',
    fix: "Get the tracker's present postback URL, correct the destination, then POST /v1/destinations/:id/resume.",
  },
  breaker_open: {
    why: 'the tracker fails at nearly every call, so the relay gives it a rest and tries again by itself',
    fix: 'Check that the tracker is up; nothing needs to be done here, and what waits goes out when it answers.',
  },
  receiver_asked: {
    why: 'the tracker asked to wait (Retry-After)',
    fix: "Wait; if it goes on, the tracker's rate limit is too low for this traffic.",
  },
  delay: {
    why: "the destination's delay_seconds is not over",
    fix: 'Wait, or replay the delivery to send it now.',
  },
}

function held(delivery: TracedDelivery): TraceVerdict {
  const hold = HOLDS[delivery.reason ?? ''] ?? { why: `of ${delivery.reason ?? 'a hold'}`, fix: 'Wait.' }
  const before =
    delivery.attemptsCount === 0 ? '' : ` The last answer${lastAt(delivery)}: ${answer(delivery)}.`
  return {
    code: 'held',
    sentence: `${what(delivery)} is held and not yet at ${delivery.tracker}, because ${hold.why}.${nextAt(delivery)}${before}`,
    fix: hold.fix.replace(':id', delivery.destinationId),
  }
}

const nextAt = (delivery: TracedDelivery): string =>
  delivery.dueAt === null || delivery.reason === 'paused' || delivery.reason === 'disabled'
    ? ''
    : ` It goes out ${at(delivery.dueAt)} at the earliest.`

const scheduled = (delivery: TracedDelivery): TraceVerdict => ({
  code: 'scheduled',
  sentence: `${what(delivery)} was accepted ${at(delivery.createdAt)} and is on its way to ${delivery.tracker}; no call was made yet.`,
  fix: 'Ask again in a minute; if it stays, /readyz says whether workers are alive.',
})

const retrying = (delivery: TracedDelivery): TraceVerdict => ({
  code: 'retrying',
  sentence: `${delivery.tracker} was called ${times(delivery.attemptsCount)} for ${what(delivery)}, last${lastAt(delivery)}: ${answer(delivery)}; ${delivery.dueAt === null ? 'the next call is under way' : `the next call is ${at(delivery.dueAt)}`}.`,
  fix: `Nothing: it is tried again by itself. If the tracker is mended already, ${replay(delivery)} sends it now.`,
})

function skipped(delivery: TracedDelivery): TraceVerdict {
  const { why, fix } = explainSkip(delivery.reason, replay(delivery))
  // The rules are asked again before each call, so earlier ones may have arrived.
  const sentence =
    delivery.attemptsCount === 0
      ? `${what(delivery)} was accepted ${at(delivery.createdAt)} and not sent to ${delivery.tracker}, because ${why}.`
      : `${delivery.tracker} was called ${times(delivery.attemptsCount)} for ${what(delivery)}, last${lastAt(delivery)}: ${answer(delivery)}; it was not called again, because ${why}.`
  return { code: 'skipped', sentence, fix }
}

const superseded = (delivery: TracedDelivery): TraceVerdict => ({
  code: 'superseded',
  sentence: `Revision ${delivery.revision} of ${what(delivery)} was not sent to ${delivery.tracker}, because a newer report of the same conversion replaced it first.`,
  fix: `Look at the newest revision: GET /v1/trace?id=${delivery.conversionId}.`,
})

const CANCELLED_BY: Readonly<Record<string, string>> = {
  destination_archived: 'its destination was archived',
  affiliate_archived: 'its affiliate was archived',
  offer_archived: 'its offer was archived',
  advertiser_archived: 'its advertiser was archived',
}

const cancelled = (delivery: TracedDelivery): TraceVerdict => ({
  code: 'cancelled',
  sentence: `${what(delivery)} was not sent to ${delivery.tracker}, because ${CANCELLED_BY[delivery.reason ?? ''] ?? 'it was cancelled'} before.`,
  fix: `If it should be sent after all, restore what was archived with PATCH {"archived":false}, then ${replay(delivery)}.`,
})

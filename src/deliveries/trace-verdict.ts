import { ERROR_CODES } from '../kit/error-codes.ts'
import { describeDelivery } from './describe-delivery.ts'
import { at, stamp } from './sentences.ts'
import type {
  TraceCode,
  TracedCall,
  TracedConversion,
  TracedDelivery,
  TraceFacts,
  TraceVerdict,
} from './trace-facts.ts'

/**
 * One sentence for a support person who has an id and a tracker that shows nothing. Where several conversions or
 * destinations are found, the one that needs a person most decides.
 */
export function judgeTrace(facts: TraceFacts): TraceVerdict {
  const call = facts.calls.find((one) => one.id === facts.named.callId)
  if (call?.result === 'quarantined') return quarantined(call)
  if (call?.result === 'duplicate') return duplicate(call, facts)
  const named = facts.deliveries.find((one) => one.id === facts.named.deliveryId)
  if (named !== undefined) return withLaterRefusal(describeDelivery(named), facts)
  const found = facts.conversions.map((conversion) => judgeConversion(conversion, facts.deliveries))
  const worst = mostUrgent(found)
  if (worst !== undefined) return withLaterRefusal(worst, facts)
  const refused = facts.calls.find((one) => one.result === 'quarantined')
  return refused === undefined ? neverReported(facts) : quarantined(refused)
}

/** What needs a person most comes first. */
const URGENCY: readonly TraceCode[] = [
  'failed',
  'refused',
  'unattributed',
  'no_destination',
  'held',
  'parked',
  'waiting',
  'retrying',
  'scheduled',
  'delivered',
  'cancelled',
  'skipped',
  'superseded',
  'duplicate',
  'quarantined',
  'never_reported',
]

const mostUrgent = (verdicts: readonly TraceVerdict[]): TraceVerdict | undefined =>
  verdicts.toSorted((a, b) => URGENCY.indexOf(a.code) - URGENCY.indexOf(b.code))[0]

function judgeConversion(conversion: TracedConversion, deliveries: readonly TracedDelivery[]): TraceVerdict {
  const own = deliveries.filter((one) => one.conversionId === conversion.id)
  const verdicts = tellingDeliveries(own).map(describeDelivery)
  return mostUrgent(verdicts) ?? withoutDelivery(conversion)
}

/** Per destination the newest delivery that was to be sent; where none was, the newest at all. */
function tellingDeliveries(deliveries: readonly TracedDelivery[]): TracedDelivery[] {
  const destinations = new Set(deliveries.map((one) => one.destinationId))
  return [...destinations].flatMap((destinationId) => {
    const own = deliveries
      .filter((one) => one.destinationId === destinationId)
      .toSorted((a, b) => b.revision - a.revision)
    const sent = own.find((one) => one.state !== 'skipped' && one.state !== 'superseded')
    const telling = sent ?? own[0]
    return telling === undefined ? [] : [telling]
  })
}

function withoutDelivery(conversion: TracedConversion): TraceVerdict {
  const reported = `Conversion ${conversion.id} (${conversion.event}, ${conversion.status}) was reported ${at(conversion.createdAt)}`
  switch (conversion.fanout) {
    case 'parked':
      return {
        code: 'parked',
        sentence: `${reported} with click id ${conversion.clickId ?? '(none)'}, which the relay does not know yet; it goes out by itself as soon as that click is stored.`,
        fix: 'Check that the click was sent to POST /v1/clicks or went through /click, with exactly this click id.',
      }
    case 'unattributed':
      return {
        code: 'unattributed',
        sentence: `${reported}, but its click ${conversion.clickId ?? '(none)'} ${conversion.note === 'offer_of_other_advertiser' ? "leads to another advertiser's offer" : 'never came'}, so nobody was told.`,
        fix:
          conversion.note === 'offer_of_other_advertiser'
            ? "Ask the network which advertiser owns the click's offer: this one used a token that does not fit it."
            : 'Store the missing click with POST /v1/clicks: the conversion then goes out by itself, however old it is.',
      }
    case 'waiting':
      return {
        code: 'waiting',
        sentence: `${reported} and is stored, but its destinations are not decided yet; the relay does that by itself.`,
        fix: 'Wait a minute and ask again; if it stays, look at /readyz and the log.',
      }
    case 'done':
      return {
        code: 'no_destination',
        sentence: `${reported}, but its affiliate has no destination that covers the offer, so nobody was told.`,
        fix: "Register the affiliate's postback URL with POST /v1/destinations, then report the conversion again with a change, or tell the tracker by hand.",
      }
  }
}

function quarantined(call: TracedCall): TraceVerdict {
  const known = Object.entries(ERROR_CODES).find(([code]) => code === call.code)?.[1]
  const field = call.field === null ? '' : ` (field ${call.field})`
  const message = call.message ?? known?.message ?? 'It could not be understood.'
  const done = call.reprocessedAt === null ? '' : ` It was processed again ${at(call.reprocessedAt)}.`
  const mend = known?.fix ?? 'Correct what the message names.'
  return {
    code: 'quarantined',
    sentence: `The advertiser's call ${call.id} ${at(call.createdAt)} was refused with HTTP ${call.httpStatus} ${call.code ?? ''}${field}: ${message}${done}`,
    fix: `${mend} The call is kept: when the cause is mended on our side, POST /v1/inbound-calls/${call.id}/reprocess.`,
  }
}

function duplicate(call: TracedCall, facts: TraceFacts): TraceVerdict {
  const conversion = facts.conversions.find((one) => one.id === call.conversionId)
  const outcome = conversion === undefined ? null : judgeConversion(conversion, facts.deliveries)
  return {
    code: 'duplicate',
    sentence: `The advertiser's call ${call.id} ${at(call.createdAt)} repeated conversion ${call.conversionId ?? ''}${noteOf(call)}; nothing changed, so nothing new was sent.${outcome === null ? '' : ` Of the conversion itself: ${outcome.sentence}`}`,
    fix: outcome?.fix ?? 'Nothing: repeats are expected.',
  }
}

const DUPLICATE_NOTES: Readonly<Record<string, string>> = {
  stale_status: ' with the status pending, which does not undo a decision',
  late_repeat: ' with an earlier report that arrived late',
}
const noteOf = (call: TracedCall): string => DUPLICATE_NOTES[call.code ?? ''] ?? ''

/** A refused call that is newer than the conversion may be the change that the tracker is missing. */
function withLaterRefusal(verdict: TraceVerdict, facts: TraceFacts): TraceVerdict {
  const newest = facts.conversions[0]
  const later = facts.calls.find(
    (call) =>
      call.result === 'quarantined' &&
      call.reprocessedAt === null &&
      newest !== undefined &&
      call.createdAt > newest.createdAt,
  )
  if (later === undefined) return verdict
  return {
    ...verdict,
    sentence: `${verdict.sentence} A later call ${later.id} ${at(later.createdAt)} was refused: ${later.code ?? 'unknown'}.`,
  }
}

function neverReported(facts: TraceFacts): TraceVerdict {
  const click = facts.clicks[0]
  if (click !== undefined)
    return {
      code: 'never_reported',
      sentence: `Click ${click.clickId} of ${stamp(click.clickedAt)} is stored, but the advertiser has never reported a conversion for it.`,
      fix: 'Ask the advertiser whether the sale happened and whether its postback fired, with this click id; its own log shows the answer it got from us.',
    }
  const accepted = facts.calls[0]
  if (accepted !== undefined)
    return {
      code: 'never_reported',
      sentence: `Call ${accepted.id} ${at(accepted.createdAt)} is stored, but the conversion it led to is not kept any more.`,
      fix: 'Look at the call with GET /v1/inbound-calls/:id.',
    }
  return {
    code: 'never_reported',
    sentence: `Nothing with the id ${facts.id} has reached the relay: no click, no call of an advertiser, no conversion.`,
    fix: 'Check that the id is whole and is one of: click id, transaction id, affiliate click id, or an id of ours. If it is, ask the advertiser whether its postback fired.',
  }
}

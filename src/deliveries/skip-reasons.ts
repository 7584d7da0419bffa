/** In plain words: why a destination did not hear of a conversion, and what changes that. */
type Explanation = { why: string; fix: string }

const REPLAY = 'then {replay}'

const EXPLANATIONS: Readonly<Record<string, Explanation>> = {
  affiliate_blocked: {
    why: 'the affiliate is blocked',
    fix: `Unblock the affiliate (PATCH its state to "active"), ${REPLAY}.`,
  },
  affiliate_archived: {
    why: 'the affiliate is archived',
    fix: `Restore the affiliate with PATCH {"archived":false}, ${REPLAY}.`,
  },
  offer_archived: {
    why: 'the offer is archived',
    fix: `Restore the offer with PATCH {"archived":false}, ${REPLAY}.`,
  },
  attribution_window_over: {
    why: "it came longer after its click than the offer's attribution window allows",
    fix: 'This is as agreed for the offer. To pay such conversions from now on, raise attribution_window_days of the offer.',
  },
  offer_not_selected: {
    why: "the destination's offer_ids do not list this offer",
    fix: `Add the offer to offer_ids of the destination, ${REPLAY}.`,
  },
  event_not_selected: {
    why: "the destination's events do not list this event",
    fix: `Add the event to events of the destination, ${REPLAY}.`,
  },
  status_not_selected: {
    why: "the destination's statuses do not list this status",
    fix: `Add the status to statuses of the destination, ${REPLAY}; or wait until the advertiser reports another status.`,
  },
  nothing_changed: {
    why: 'the tracker was told this status before and nothing changed since',
    fix: 'Nothing: look at the earlier delivery of the same conversion, and replay that one if the tracker lost it.',
  },
  amount_not_selected: {
    why: 'only the amount changed, and the destination\'s changes do not list "amount"',
    fix: `Add "amount" to changes of the destination if the tracker can update amounts, ${REPLAY}.`,
  },
  other_destination_took_it: {
    why: 'it is a fallback, and another destination of the affiliate took the conversion',
    fix: 'Nothing, if that is intended; else set fallback to false.',
  },
  no_affiliate_click_id: {
    why: "the affiliate's click id is empty, so the tracker could not tell which click it was",
    fix: "The affiliate's link has to carry the tracker's click id; check the link and the affiliate's click_id_from.",
  },
  event_too_old: {
    why: 'it happened longer ago than this receiver takes events',
    fix: 'Nothing: the receiver would refuse it. Report conversions sooner, or let a pending one be sent too.',
  },
  tracker_cannot_reverse: {
    why: 'this tracker takes no conversion back by postback, and would count it once more',
    fix: 'Where the tracker has a conversion upload, upload GET /v1/destinations/:id/reversals.csv there; else the affiliate corrects it by hand.',
  },
}

/** `replayCall`: what sends the delivery again. An unknown reason is named as it is. */
export function explainSkip(reason: string | null, replayCall: string): Explanation {
  const { why, fix } = EXPLANATIONS[reason ?? ''] ?? {
    why: `the rules skipped it (${reason ?? 'without a reason'})`,
    fix: `Compare the destination's rules with the conversion, ${REPLAY}.`,
  }
  return { why, fix: fix.replace('{replay}', replayCall) }
}

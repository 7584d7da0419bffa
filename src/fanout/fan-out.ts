import type { Affiliate, ConversionStatus, Destination, Offer } from '../catalogue/catalogue.ts'
import { newUuid, type Uuid } from '../kit/ids.ts'
import type { Decimal } from '../kit/money.ts'
import {
  coversOffer,
  type Decision,
  decideDestination,
  type EarlierDelivery,
  isSaidByOlder,
  type SkipReason,
  tookIt,
} from './rules.ts'

type FannedRevision = {
  id: Uuid
  revision: number
  status: ConversionStatus
  payout: Decimal | null
  currency: string | null
  saleAmount: Decimal | null
  occurredAt?: Date
}

/** A delivery row to insert. `after`: the travelling delivery that it must wait for. */
export type PlannedDelivery = {
  id: Uuid
  revisionId: Uuid
  revision: number
  destination: Destination
  status: ConversionStatus
  payout: Decimal | null
  currency: string | null
  state: 'scheduled' | 'skipped' | 'superseded'
  reason: SkipReason | null
  after: Uuid | null
}

/** What fanning out writes about one conversion. */
export type FanOutPlan = {
  deliveries: PlannedDelivery[]
  /** Stored deliveries that leave `due` and become superseded. */
  superseded: Uuid[]
  /** Stored travelling deliveries and what takes over if they must be sent again. */
  successors: { priorId: Uuid; nextId: Uuid }[]
}

export type FanOutInput = {
  affiliate: Affiliate
  offer: Offer
  destinations: readonly Destination[]
  event: string
  windowOver: boolean
  /** The conversion's revisions as far as they are kept, the new ones included. */
  history: readonly StatusAt[]
  /** Not yet fanned out, in order. */
  revisions: readonly FannedRevision[]
  /** Stored deliveries of the conversion, tests left out. */
  earlier: readonly EarlierDelivery[]
  /** Whether the parameter that carries the click id at this tracker would be empty. */
  clickIdMissing(destination: Destination, status: ConversionStatus): boolean
  /** Whether the receiver refuses events of this revision's age. */
  tooOld?(destination: Destination, revision: FannedRevision): boolean
  /** Unix ms of a new delivery's id: the revision's own, so that both fall into one ledger bucket. */
  idTimeMs(revision: FannedRevision): number
}

/**
 * One row for every destination of the affiliate and every given revision, sent or skipped with its reason, and what
 * happens to unsent older rows. Revisions are taken in order, so a late fan-out of several ends in what would be sent
 * today, the rest superseded.
 */
export function fanOut(input: FanOutInput): FanOutPlan {
  const plan: FanOutPlan = { deliveries: [], superseded: [], successors: [] }
  const earlier = input.earlier.map((one) => ({ ...one }))
  for (const revision of input.revisions) {
    const decisions = decideAll(input, revision, earlier)
    for (const [destination, decision] of decisions) {
      const planned = plannedDelivery(input, revision, destination, decision)
      plan.deliveries.push(planned)
      if (supersedes(decision, revision.status)) supersedeEarlier(plan, planned, earlier)
      earlier.push({
        ...revision,
        id: planned.id,
        destinationId: destination.id,
        place: decision.send ? 'waiting' : 'ended',
        heard: false,
      })
    }
  }
  return plan
}

/** True where no destination of the affiliate covers the offer: the revision's note is then `no_destination`. */
export const hasNoDestination = (destinations: readonly Destination[], offerId: Uuid): boolean =>
  !destinations.some((destination) => coversOffer(destination, offerId))

function decideAll(
  input: FanOutInput,
  revision: FannedRevision,
  earlier: readonly EarlierDelivery[],
): Map<Destination, Decision> {
  const decide = (destination: Destination, takenByOther: boolean): Decision =>
    decideDestination({
      ...input,
      destination,
      revision,
      otherStatusRevision: otherStatusRevision(input.history, revision),
      earlier: earlier.filter((one) => one.destinationId === destination.id),
      takenByOther,
      clickIdMissing: input.clickIdMissing(destination, revision.status),
      tooOld: input.tooOld?.(destination, revision) ?? false,
    })
  const decisions = new Map<Destination, Decision>()
  let taken = false
  for (const destination of input.destinations.filter(({ definition }) => !definition.fallback)) {
    const decision = decide(destination, false)
    taken ||= tookIt(decision)
    decisions.set(destination, decision)
  }
  for (const destination of input.destinations.filter(({ definition }) => definition.fallback))
    decisions.set(destination, decide(destination, taken))
  return decisions
}

export type StatusAt = { revision: number; status: ConversionStatus }

/** Number of the newest revision before this one whose status differs; 0 if there is none. */
export const otherStatusRevision = (history: readonly StatusAt[], { revision, status }: StatusAt): number =>
  history.reduce(
    (newest, one) =>
      one.revision < revision && one.status !== status ? Math.max(newest, one.revision) : newest,
    0,
  )

const plannedDelivery = (
  input: FanOutInput,
  revision: FannedRevision,
  destination: Destination,
  decision: Decision,
): PlannedDelivery => ({
  id: newUuid(input.idTimeMs(revision)),
  revisionId: revision.id,
  revision: revision.revision,
  destination,
  status: revision.status,
  payout: revision.payout,
  currency: revision.currency,
  state: decision.send ? 'scheduled' : 'skipped',
  reason: decision.send ? null : decision.reason,
  after: null,
})

/** A rejection gives up what is unsent even where it is skipped itself, but not the older rejection that speaks for it. */
const supersedes = (decision: Decision, status: ConversionStatus): boolean =>
  decision.send || (status === 'rejected' && !isSaidByOlder(decision.reason))

/** Older unsent rows of the destination give way; a travelling one gets the new row as its successor. */
function supersedeEarlier(plan: FanOutPlan, planned: PlannedDelivery, earlier: EarlierDelivery[]): void {
  for (const one of earlier) {
    if (one.destinationId !== planned.destination.id) continue
    if (one.place === 'waiting') {
      one.place = 'ended'
      const unsaved = plan.deliveries.find((delivery) => delivery.id === one.id)
      if (unsaved) unsaved.state = 'superseded'
      else plan.superseded.push(one.id)
    } else if (one.place === 'travelling') {
      plan.successors = plan.successors.filter((successor) => successor.priorId !== one.id)
      plan.successors.push({ priorId: one.id, nextId: planned.id })
      planned.after = one.id
    }
  }
}

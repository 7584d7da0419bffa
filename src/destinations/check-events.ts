import type { DestinationDefinition, Offer } from '../catalogue/catalogue.ts'
import { type Finding, shown, warningFinding } from './findings.ts'

type OfferEvents = Pick<Offer, 'id' | 'name' | 'events'>

/** Events that none of the destination's offers has, so that nothing would ever be sent for them. */
export function checkEvents(
  { events, offer_ids }: Pick<DestinationDefinition, 'events' | 'offer_ids'>,
  listOffers: (() => readonly OfferEvents[]) | undefined,
): Finding[] {
  if (events.length === 0 || listOffers === undefined) return []
  const all = listOffers()
  const offers = offer_ids.length === 0 ? all : all.filter(({ id }) => offer_ids.includes(id))
  // An offer that lists no events may report any.
  if (offers.length === 0 || offers.some((offer) => offer.events.length === 0)) return []
  const unknown = events.filter((event) => !isKnown(offers, event.toLowerCase()))
  if (unknown.length === 0) return []
  const known = new Set(offers.flatMap((offer) => offer.events).map((event) => event.toLowerCase()))
  return unknown.map((event) =>
    warningFinding(
      'unknown_event',
      `${offers.length === 1 ? `The offer ${shown(offers[0]?.name ?? '')} has` : 'The offers have'} no event "${shown(event)}".`,
      `Use one of ${shown([...known].join(', '))}, or add the event to the offer.`,
    ),
  )
}

/** Nearly always an early offer has it, of thousands. */
const isKnown = (offers: readonly OfferEvents[], lower: string): boolean =>
  offers.some((offer) => offer.events.some((known) => known.toLowerCase() === lower))

import type { Catalogue } from '../catalogue/catalogue.ts'
import type { Uuid } from '../kit/ids.ts'

type Parties = { destinationId: Uuid; affiliateId: Uuid; offerId: Uuid; advertiserId: Uuid }

/** Why a delivery may not travel now: for good (cancel, with the reason it ends with), or until somebody resumes it. */
export type TravelBan = { cancel: string } | { cancel: null }

/** What the catalogue says about a delivery on the road; null: nothing against it. */
export function travelBanOf(
  catalogue: Pick<Catalogue, 'destination' | 'affiliate' | 'offer' | 'advertiser'>,
  parties: Parties,
): TravelBan | null {
  const destination = catalogue.destination(parties.destinationId)
  if (destination === undefined || destination.archived) return { cancel: 'destination_archived' }
  if (catalogue.affiliate(parties.affiliateId)?.archived) return { cancel: 'affiliate_archived' }
  if (catalogue.offer(parties.offerId)?.archived) return { cancel: 'offer_archived' }
  if (catalogue.advertiser(parties.advertiserId)?.archived) return { cancel: 'advertiser_archived' }
  return destination.state === 'active' ? null : { cancel: null }
}

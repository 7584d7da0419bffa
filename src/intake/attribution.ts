import type { Affiliate, Catalogue, Offer } from '../catalogue/catalogue.ts'
import { affiliateClickIdOf } from '../clicks/subs.ts'
import { AppError } from '../kit/app-error.ts'
import type { Uuid } from '../kit/ids.ts'
import type { Attribution } from './conversion.ts'
import { missingClickId } from './missing-click-id.ts'
import type { Report } from './report.ts'

/** A stored click, as far as attribution needs it. */
export type Click = {
  clickId: string
  affiliateId: Uuid
  offerId: Uuid
  affiliateClickId: string | null
  subs: readonly (string | null)[]
  params: Readonly<Record<string, string>>
  ip: string | null
  userAgent: string | null
  country: string | null
  clickedAt: Date
}

/**
 * Who earns a conversion: a known click decides; else affiliate_id and offer_id of the report; else, without a click id, who
 * earns the other events of its transaction; else nobody yet (null: parked). Throws AppError where the report can not be
 * right: unknown or archived affiliate or offer, an offer of another advertiser, or nothing to attribute by.
 */
export function attribute(input: {
  catalogue: Catalogue
  advertiserId: Uuid
  report: Report
  click: Click | undefined
  sibling: { attribution: Attribution | null } | undefined
}): Attribution | null {
  const { catalogue, advertiserId, report, click, sibling } = input
  if (click) return byClick(catalogue, advertiserId, click)
  if (report.affiliateId !== null && report.offerId !== null) return byReport(catalogue, advertiserId, report)
  if (report.clickId !== null) return null
  if (sibling === undefined) throw missingClickId(report)
  return bySibling(catalogue, advertiserId, sibling.attribution)
}

/** True where only the transaction id tells whose the conversion is. */
export const needsSibling = ({ clickId, affiliateId, offerId }: Report): boolean =>
  clickId === null && (affiliateId === null || offerId === null)

function bySibling(
  catalogue: Catalogue,
  advertiserId: Uuid,
  attribution: Attribution | null,
): Attribution | null {
  const offer = catalogue.offer(attribution?.offerId ?? '')
  const affiliate = catalogue.affiliate(attribution?.affiliateId ?? '')
  if (offer && affiliate) assertMayEarn(advertiserId, offer, affiliate)
  return attribution
}

function byClick(catalogue: Catalogue, advertiserId: Uuid, click: Click): Attribution {
  const offer = catalogue.offer(click.offerId)
  const affiliate = catalogue.affiliate(click.affiliateId)
  if (!offer) throw new AppError('unknown_offer', { field: 'click_id' })
  if (!affiliate) throw new AppError('unknown_affiliate', { field: 'click_id' })
  assertMayEarn(advertiserId, offer, affiliate)
  return attributionByClick(click, affiliate)
}

/** What a click says, with the affiliate's click id taken from where this affiliate puts it (click_id_from). */
export const attributionByClick = (click: Click, affiliate: Affiliate): Attribution => ({
  attributedBy: 'click',
  affiliateId: click.affiliateId,
  offerId: click.offerId,
  affiliateClickId: affiliateClickIdOf(affiliate, click),
  subs: click.subs,
  clickParams: click.params,
  ip: click.ip,
  userAgent: click.userAgent,
  country: click.country,
  clickedAt: click.clickedAt,
})

function byReport(catalogue: Catalogue, advertiserId: Uuid, report: Report): Attribution {
  const offer = catalogue.offer(catalogue.resolve('offer', report.offerId ?? '') ?? '')
  if (!offer) throw new AppError('unknown_offer', { field: 'offer_id' })
  const affiliate = catalogue.affiliate(catalogue.resolve('affiliate', report.affiliateId ?? '') ?? '')
  if (!affiliate) throw new AppError('unknown_affiliate', { field: 'affiliate_id' })
  assertMayEarn(advertiserId, offer, affiliate)
  return {
    attributedBy: 'report',
    affiliateId: affiliate.id,
    offerId: offer.id,
    affiliateClickId: affiliateClickIdOf(affiliate, report),
    subs: report.subs,
    clickParams: {},
    ip: null,
    userAgent: null,
    country: null,
    clickedAt: null,
  }
}

function assertMayEarn(advertiserId: Uuid, offer: Offer, affiliate: Affiliate): void {
  if (offer.advertiserId !== advertiserId)
    throw new AppError('offer_of_other_advertiser', { field: 'offer_id' })
  if (offer.archived) throw new AppError('archived', { field: 'offer_id', message: 'The offer is archived.' })
  if (affiliate.archived)
    throw new AppError('archived', { field: 'affiliate_id', message: 'The affiliate is archived.' })
}

const DAY_MS = 86_400_000

/** True where the conversion came longer after its click than the offer allows. */
export const isWindowOver = (attribution: Attribution, offer: Offer, occurredAt: Date): boolean =>
  attribution.clickedAt !== null &&
  occurredAt.getTime() - attribution.clickedAt.getTime() > offer.attributionWindowDays * DAY_MS

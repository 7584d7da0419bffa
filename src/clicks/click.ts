import type { Catalogue } from '../catalogue/catalogue.ts'
import { resolveField } from '../catalogue/resource.ts'
import { AppError } from '../kit/app-error.ts'
import { encodeId, newUuid, type Uuid } from '../kit/ids.ts'

/** A click as it is asked to be stored; each field is checked, ids of affiliate and offer are as sent. */
export type ClickRequest = {
  /** Null: we make the network's click id. */
  clickId: string | null
  affiliateId: string
  offerId: string
  affiliateClickId: string | null
  /** Index 0 is sub1; as long as the last one that was sent. */
  subs: readonly (string | null)[]
  params: Readonly<Record<string, string>>
  ip: string | null
  userAgent: string | null
  country: string | null
  /** Null: now. */
  clickedAt: Date | null
}

export type Click = Omit<ClickRequest, 'clickId' | 'clickedAt'> & {
  id: Uuid
  clickId: string
  clickedAt: Date
  createdAt: Date
}

/**
 * What will be stored, with bare uuids for affiliate and offer. Throws AppError where the offer or the affiliate takes
 * no clicks: unknown, archived, paused, blocked.
 */
export function toClick(catalogue: Catalogue, request: ClickRequest, nowMs: number): Click {
  const offerId = resolveField(catalogue, { noun: 'offer', field: 'offer_id', text: request.offerId })
  const affiliateId = resolveField(catalogue, {
    noun: 'affiliate',
    field: 'affiliate_id',
    text: request.affiliateId,
  })
  assertTakesClicks(catalogue, offerId, affiliateId)
  // A link of ours has to lead somewhere; a network that makes its own click ids has its own redirect.
  if (request.clickId === null && catalogue.offer(offerId)?.landingUrl == null)
    throw new AppError('not_found', { field: 'offer_id', message: 'The offer has no landing_url.' })
  const id = newUuid(nowMs)
  return {
    ...request,
    id,
    clickId: request.clickId ?? encodeId('click', id),
    affiliateId,
    offerId,
    clickedAt: request.clickedAt ?? new Date(nowMs),
    createdAt: new Date(nowMs),
  }
}

function assertTakesClicks(catalogue: Catalogue, offerId: Uuid, affiliateId: Uuid): void {
  const offer = catalogue.offer(offerId)
  if (offer?.state === 'paused')
    throw new AppError('not_active', { field: 'offer_id', message: 'The offer is paused.' })
  if (offer && catalogue.advertiser(offer.advertiserId)?.archived)
    throw new AppError('archived', { field: 'offer_id', message: "The offer's advertiser is archived." })
  if (catalogue.affiliate(affiliateId)?.state === 'blocked')
    throw new AppError('not_active', { field: 'affiliate_id', message: 'The affiliate is blocked.' })
}

/** True where a request says the same as what is stored; a time that it does not give is no difference. */
export function isSameClick(stored: Click, click: Click, request: ClickRequest): boolean {
  return (
    stored.affiliateId === click.affiliateId &&
    stored.offerId === click.offerId &&
    stored.affiliateClickId === click.affiliateClickId &&
    stored.ip === click.ip &&
    stored.userAgent === click.userAgent &&
    stored.country === click.country &&
    isSameTime(stored, request.clickedAt) &&
    isSameList(stored.subs, click.subs) &&
    isSameRecord(stored.params, click.params)
  )
}

const SECOND_MS = 1000

/** A time that lay ahead of our clock was stored as the time it came; the repeat's lies where it lay. */
function isSameTime(stored: Click, said: Date | null): boolean {
  if (said === null || said.getTime() === stored.clickedAt.getTime()) return true
  return stored.createdAt.getTime() - stored.clickedAt.getTime() < SECOND_MS && said > stored.clickedAt
}

const isSameList = (a: readonly (string | null)[], b: readonly (string | null)[]): boolean =>
  a.length === b.length && a.every((value, at) => value === b[at])

function isSameRecord(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && a[name] === b[name])
  )
}

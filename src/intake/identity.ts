import { AppError } from '../kit/app-error.ts'
import { encodeId, type Uuid } from '../kit/ids.ts'
import { missingClickId } from './missing-click-id.ts'
import type { Report } from './report.ts'
import { isUnreplacedMacro } from './unreplaced-macro.ts'

/** What makes a conversion the same one: the key of conversion_keys. */
export type Identity = { advertiserId: Uuid; byClick: boolean; identity: string; event: string }

/** A stored key that a report could be about. */
export type KnownKey = Identity & { conversionId: Uuid; clickId: string | null }

const DEFAULT_EVENT = 'conversion'

/** Reports with both parts name their conversion themselves; the others need a look at what is stored. */
export const needsResolving = (report: Report): boolean =>
  report.event === null || report.transactionId === null

/** Which stored keys a report could be about: those of its identity or of its click id, and of its event if it has one. */
export type KeySearch = {
  advertiserId: Uuid
  byClick: boolean
  identity: string | null
  clickId: string | null
  event: string | null
}

export function keySearch(advertiserId: Uuid, report: Report): KeySearch {
  const { transactionId, clickId, event } = report
  if (transactionId !== null)
    return { advertiserId, byClick: false, identity: transactionId, clickId: null, event }
  const identity = clickId === null ? identityWithoutTransaction(report) : null
  return { advertiserId, byClick: true, identity, clickId, event }
}

/**
 * The conversion a report is about. `known` are the stored keys with its transaction id or, without one, its click id.
 * None fits: a conversion of its own. One: that one. Several: AppError `ambiguous_conversion`, never a guess.
 * Also throws `click_id_missing` or `missing_field` where nothing identifies the conversion.
 */
export function resolveIdentity(advertiserId: Uuid, report: Report, known: readonly KnownKey[]): Identity {
  const candidates = known.filter((key) => isCandidate(key, advertiserId, report))
  if (candidates.length > 1) throw ambiguous(candidates)
  const [found] = candidates
  if (found) return found
  const event = report.event ?? DEFAULT_EVENT
  if (report.transactionId !== null)
    return { advertiserId, byClick: false, identity: report.transactionId, event }
  const identity = identityWithoutTransaction(report)
  if (identity === null) throw nothingIdentifies(report)
  return { advertiserId, byClick: true, identity, event }
}

function isCandidate(key: KnownKey, advertiserId: Uuid, report: Report): boolean {
  if (key.advertiserId !== advertiserId) return false
  if (report.event !== null && key.event !== report.event) return false
  if (report.transactionId !== null) return !key.byClick && key.identity === report.transactionId
  return report.clickId === null
    ? key.byClick && key.identity === identityWithoutTransaction(report)
    : key.clickId === report.clickId
}

/**
 * The click id; for a network with its own redirect the affiliate's click id within affiliate and offer. Null where there
 * is neither, or a placeholder, which would be the same for every conversion.
 */
export function identityWithoutTransaction(report: Report): string | null {
  if (report.clickId !== null) return report.clickId
  const { affiliateId, offerId, affiliateClickId } = report
  if (affiliateId === null || offerId === null || affiliateClickId === null) return null
  return isUnreplacedMacro(affiliateClickId) ? null : `${affiliateId} ${offerId} ${affiliateClickId}`
}

function nothingIdentifies(report: Report): AppError {
  if (report.affiliateId === null || report.offerId === null) return missingClickId(report)
  if (report.affiliateClickId !== null)
    return new AppError('macro_not_replaced', {
      field: 'affiliate_click_id',
      message: 'The affiliate click id is a placeholder that was never replaced.',
      fix: 'Send transaction_id, or the click id itself, so that a repeat can be recognised.',
    })
  return new AppError('missing_field', {
    field: 'transaction_id',
    message: 'Nothing tells this conversion from the next one of the same affiliate and offer.',
    fix: 'Send transaction_id (or affiliate_click_id), so that a repeat can be recognised.',
  })
}

const ambiguous = (candidates: readonly KnownKey[]): AppError =>
  new AppError('ambiguous_conversion', {
    extra: {
      conversions: candidates.map((key) => ({
        conversion_id: encodeId('conversion', key.conversionId),
        transaction_id: key.byClick ? null : key.identity,
        event: key.event,
      })),
    },
  })

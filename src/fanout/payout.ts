import type { Offer, PayoutOverride, PayoutRule } from '../catalogue/catalogue.ts'
import type { Uuid } from '../kit/ids.ts'
import { type Decimal, percentOf } from '../kit/money.ts'

type Statement = { payout?: Decimal; revenue?: Decimal; sale_amount?: Decimal; currency?: string }

export type Payout = { payout: Decimal | null; currency: string; note: 'payout_unknown' | null }

/**
 * What the affiliate earns: a fixed value, a percentage of sale_amount (else revenue, else the reported payout), or
 * the reported payout passed through. Null with a note where the rule has nothing to count from. Never converts
 * currencies: a fixed value is in the rule's currency, the others in the reported one.
 */
export function payoutOf(input: {
  offer: Offer
  affiliateId: Uuid
  event: string
  reported: Statement
}): Payout {
  const rule = ruleFor(input.offer, input.affiliateId, input.event)
  if (rule.type === 'fixed') return { payout: rule.value ?? null, currency: rule.currency, note: null }
  const currency = input.reported.currency ?? rule.currency
  const payout =
    rule.type === 'percent' ? percentPayout(rule, input.reported) : (input.reported.payout ?? null)
  return { payout, currency, note: payout === null ? 'payout_unknown' : null }
}

function percentPayout(rule: PayoutRule, reported: Statement): Decimal | null {
  const base = reported.sale_amount ?? reported.revenue ?? reported.payout
  return base === undefined || rule.value === undefined ? null : percentOf(base, rule.value)
}

/** Overrides in the order affiliate + event, affiliate, event; else the offer's own rule. */
function ruleFor(offer: Offer, affiliateId: Uuid, event: string): PayoutRule {
  const fits = (override: PayoutOverride, withAffiliate: boolean, withEvent: boolean): boolean =>
    override.affiliate_id === (withAffiliate ? affiliateId : undefined) &&
    override.event?.toLowerCase() === (withEvent ? event : undefined)
  const override =
    offer.overrides.find((candidate) => fits(candidate, true, true)) ??
    offer.overrides.find((candidate) => fits(candidate, true, false)) ??
    offer.overrides.find((candidate) => fits(candidate, false, true))
  if (override === undefined) return offer.payout
  return { currency: offer.payout.currency, ...override }
}

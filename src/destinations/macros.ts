import type { Offer } from '../catalogue/catalogue.ts'
import { SUB_NAMES } from '../clicks/subs.ts'
import type { DeliveryFacts } from '../deliveries/facts.ts'
import { encodeId, type Uuid } from '../kit/ids.ts'
import { type Decimal, formatAmount, subtract } from '../kit/money.ts'
import { ownValue } from '../kit/own-value.ts'
import { gaClientId } from './ad-platforms/ga4.ts'
import { fbcOf } from './ad-platforms/meta.ts'

/** What a macro may look at. */
export type MacroScope = {
  facts: DeliveryFacts
  offer: Pick<Offer, 'name' | 'shared'>
  catalogue: { partnerId(noun: 'offer' | 'affiliate', id: Uuid): string }
}

export type Macro = {
  /** Where the value comes from, for previews: `conversion.payout`, `click.sub1` ... */
  source: string
  read(scope: MacroScope): string
  /** Macros of time can be followed by the filter `date`. */
  time?: (facts: DeliveryFacts) => Date | null
  /** Renders only where the offer's `shared` names one of these. */
  sharedAs?: readonly string[]
}

const amount = (value: Decimal | null, facts: DeliveryFacts): string =>
  value === null ? '' : formatAmount(value, facts.currency)

const payoutDue = (facts: DeliveryFacts): Decimal | null => (facts.status === 'approved' ? facts.payout : '0')

function payoutDelta(facts: DeliveryFacts): Decimal | null {
  const due = payoutDue(facts)
  return due === null ? null : subtract(due, facts.payoutDueBefore ?? '0')
}

const unixSeconds = (date: Date | null): string =>
  date === null ? '' : String(Math.floor(date.getTime() / 1000))

const occurredAt = (facts: DeliveryFacts): Date => facts.occurredAt

const fact = (source: string, read: (facts: DeliveryFacts) => string | null): Macro => ({
  source,
  read: (scope) => read(scope.facts) ?? '',
})

const timeFact = (
  source: string,
  time: (facts: DeliveryFacts) => Date | null,
  read: (facts: DeliveryFacts) => string,
): Macro => ({ ...fact(source, read), time })

const sharedFact = (
  source: string,
  sharedAs: readonly string[],
  read: (facts: DeliveryFacts) => string | null,
): Macro => ({
  source,
  sharedAs,
  read: (scope) =>
    sharedAs.some((name) => scope.offer.shared.includes(name)) ? (read(scope.facts) ?? '') : '',
})

/** Of the conversion's parameters, else of the click's. */
function personFact(name: 'email' | 'phone'): Macro {
  return sharedFact(
    `params.${name}, click.params.${name}`,
    [name],
    (facts) => ownValue(facts.params, name) || ownValue(facts.clickParams, name),
  )
}

const table = new Map<string, Macro>([
  ['affiliate_click_id', fact('click.affiliate_click_id', (facts) => facts.affiliateClickId)],
  ['network_click_id', fact('click.click_id', (facts) => facts.clickId)],
  [
    'transaction_id',
    fact(
      'conversion.transaction_id',
      (facts) => facts.transactionId ?? encodeId('conversion', facts.conversionId),
    ),
  ],
  ['conversion_id', fact('conversion.id', (facts) => encodeId('conversion', facts.conversionId))],
  ['delivery_id', fact('delivery.id', (facts) => encodeId('delivery', facts.deliveryId))],
  ['revision', fact('conversion.revision', (facts) => String(facts.revision))],
  ['event', fact('conversion.event', (facts) => facts.event)],
  ['status', fact('conversion.status', (facts) => facts.status)],
  ['previous_status', fact('conversion.previous_status', (facts) => facts.previousStatus)],
  ['payout', fact('conversion.payout', (facts) => amount(facts.payout, facts))],
  ['payout_due', fact('conversion.payout_due', (facts) => amount(payoutDue(facts), facts))],
  ['payout_delta', fact('conversion.payout_delta', (facts) => amount(payoutDelta(facts), facts))],
  ['currency', fact('conversion.currency', (facts) => facts.currency)],
  [
    'sale_amount',
    sharedFact('conversion.sale_amount', ['sale_amount'], (facts) => amount(facts.saleAmount, facts)),
  ],
  [
    'offer_id',
    { source: 'offer.id', read: (scope) => scope.catalogue.partnerId('offer', scope.facts.offerId) },
  ],
  ['offer_name', { source: 'offer.name', read: (scope) => scope.offer.name }],
  [
    'affiliate_id',
    {
      source: 'affiliate.id',
      read: (scope) => scope.catalogue.partnerId('affiliate', scope.facts.affiliateId),
    },
  ],
  ['timestamp', timeFact('conversion.occurred_at', occurredAt, (facts) => unixSeconds(facts.occurredAt))],
  [
    'timestamp_ms',
    timeFact('conversion.occurred_at', occurredAt, (facts) => String(facts.occurredAt.getTime())),
  ],
  [
    'datetime',
    timeFact(
      'conversion.occurred_at',
      occurredAt,
      (facts) => `${facts.occurredAt.toISOString().slice(0, 19)}Z`,
    ),
  ],
  [
    'date',
    timeFact('conversion.occurred_at', occurredAt, (facts) => facts.occurredAt.toISOString().slice(0, 10)),
  ],
  [
    'click_timestamp',
    timeFact(
      'click.clicked_at',
      (facts) => facts.clickedAt,
      (facts) => unixSeconds(facts.clickedAt),
    ),
  ],
  ['country', fact('click.country', (facts) => facts.country)],
  ['ip', sharedFact('click.ip', ['ip'], (facts) => facts.ip)],
  ['user_agent', sharedFact('click.user_agent', ['user_agent'], (facts) => facts.userAgent)],
  ['email', personFact('email')],
  ['phone', personFact('phone')],
  ['fbc', sharedFact('click.params.fbclid', ['click_param:fbclid', 'fbclid'], fbcOf)],
  [
    'ga_client_id',
    {
      source: 'click.params.ga_client_id, click.affiliate_click_id',
      read: ({ facts, offer }) => gaClientId(facts, offer.shared),
    },
  ],
])
for (const [at, name] of SUB_NAMES.entries())
  table.set(
    name,
    fact(`click.${name}`, (facts) => facts.subs[at] ?? null),
  )

/** Other spellings of the affiliate's click id. */
export const CLICK_ID_ALIASES: readonly string[] = ['clickid', 'click_id', 'cid', 'subid', 'aff_click_id']
const aliases = new Map(CLICK_ID_ALIASES.map((alias) => [alias, 'affiliate_click_id']))

/** The macro's own name: `clickid` is `affiliate_click_id`. */
export const canonicalMacro = (name: string): string => aliases.get(name) ?? name

/** Macros that take a NAME after a colon. */
export const NAMED_MACROS = ['param', 'click_param', 'secret'] as const

/** Every macro without a NAME, aliases included. `signature` and `secret` are no values of a conversion. */
export const MACRO_NAMES: readonly string[] = [...table.keys(), ...CLICK_ID_ALIASES, 'signature']

/** The macro that reads a conversion, or null. `sub01`, `Sub1` and the like are unknown. */
export function findMacro(name: string, arg: string | null): Macro | null {
  if (arg === null) return table.get(canonicalMacro(name)) ?? null
  if (name === 'param')
    return sharedFact(`params.${arg}`, [arg, `param:${arg}`], (facts) => ownValue(facts.params, arg))
  if (name === 'click_param')
    return sharedFact(`click.params.${arg}`, [arg, `click_param:${arg}`], (facts) =>
      ownValue(facts.clickParams, arg),
    )
  return null
}

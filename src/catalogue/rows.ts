import type {
  Advertiser,
  Affiliate,
  ConversionStatus,
  Destination,
  DestinationDefinition,
  Offer,
  PayoutOverride,
  PayoutRule,
} from './catalogue.ts'

/** A row with the tokens it can be found by, as hex hashes. */
export type AdvertiserRow = {
  id: string
  external_id: string | null
  name: string
  param_map: Record<string, string>
  status_map: Record<string, ConversionStatus>
  timezone: string
  ip_allowlist: string[]
  signing_secret: string | null
  rate_limit: { per_second: number } | null
  answer: Advertiser['answer']
  token_hash: string
  previous_token_hash: string | null
  previous_token_until: Date | null
  archived: boolean
}

export type OfferRow = {
  id: string
  external_id: string | null
  advertiser_id: string
  name: string
  landing_url: string | null
  payout: PayoutRule
  overrides: PayoutOverride[]
  attribution_window_days: number
  default_status: ConversionStatus
  events: string[]
  shared: string[]
  state: Offer['state']
  archived: boolean
}

export type AffiliateRow = {
  id: string
  external_id: string | null
  name: string
  click_id_from: string
  state: Affiliate['state']
  archived: boolean
}

export type DestinationRow = {
  id: string
  external_id: string | null
  affiliate_id: string
  state: Destination['state']
  version: number
  archived: boolean
  definition: DestinationDefinition
}

export const toAdvertiser = (row: AdvertiserRow): Advertiser => ({
  id: row.id,
  externalId: row.external_id,
  name: row.name,
  paramMap: row.param_map,
  statusMap: row.status_map,
  timezone: row.timezone,
  ipAllowlist: row.ip_allowlist,
  signingSecret: row.signing_secret,
  rateLimit: row.rate_limit,
  answer: row.answer,
  archived: row.archived,
})

export const toOffer = (row: OfferRow): Offer => ({
  id: row.id,
  externalId: row.external_id,
  advertiserId: row.advertiser_id,
  name: row.name,
  landingUrl: row.landing_url,
  payout: row.payout,
  overrides: row.overrides,
  attributionWindowDays: row.attribution_window_days,
  defaultStatus: row.default_status,
  events: row.events,
  shared: row.shared,
  state: row.state,
  archived: row.archived,
})

export const toAffiliate = (row: AffiliateRow): Affiliate => ({
  id: row.id,
  externalId: row.external_id,
  name: row.name,
  clickIdFrom: row.click_id_from,
  state: row.state,
  archived: row.archived,
})

export const toDestination = (row: DestinationRow): Destination => ({
  id: row.id,
  externalId: row.external_id,
  affiliateId: row.affiliate_id,
  state: row.state,
  version: row.version,
  archived: row.archived,
  definition: row.definition,
})

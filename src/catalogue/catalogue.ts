import type { Preset } from '../../config/presets/preset.ts'
import type { Uuid } from '../kit/ids.ts'
import type { Decimal } from '../kit/money.ts'

export type CatalogueNoun = 'advertiser' | 'offer' | 'affiliate' | 'destination'

export const CONVERSION_STATUSES = ['pending', 'approved', 'rejected'] as const
export type ConversionStatus = (typeof CONVERSION_STATUSES)[number]

export type PayoutRule = { type: 'fixed' | 'percent' | 'passthrough'; value?: Decimal; currency: string }

export type PayoutOverride = {
  affiliate_id?: Uuid
  event?: string
  type: PayoutRule['type']
  value?: Decimal
  currency?: string
}

export type Advertiser = {
  id: Uuid
  externalId: string | null
  name: string
  /** canonical name -> the advertiser's own (dots for nested JSON). */
  paramMap: Readonly<Record<string, string>>
  /** the advertiser's word (lower case) -> ours. */
  statusMap: Readonly<Record<string, ConversionStatus>>
  timezone: string
  ipAllowlist: readonly string[]
  /** Sealed with SECRETS_KEY. */
  signingSecret: string | null
  rateLimit: { per_second: number } | null
  answer: { format?: 'json' | 'text'; always_200?: boolean }
  archived: boolean
}

export type Offer = {
  id: Uuid
  externalId: string | null
  advertiserId: Uuid
  name: string
  landingUrl: string | null
  payout: PayoutRule
  overrides: readonly PayoutOverride[]
  attributionWindowDays: number
  defaultStatus: ConversionStatus
  events: readonly string[]
  shared: readonly string[]
  state: 'active' | 'paused'
  archived: boolean
}

export type Affiliate = {
  id: Uuid
  externalId: string | null
  name: string
  clickIdFrom: string
  state: 'active' | 'blocked'
  archived: boolean
}

/** A destination at one version, as destination_versions.definition holds it; snake_case as on the wire. */
export type DestinationDefinition = {
  name: string | null
  preset: string | null
  method: 'GET' | 'POST'
  url: string
  url_as_given?: string
  url_by_status: Partial<Record<ConversionStatus, string>>
  headers: Record<string, string>
  body: string | null
  content_type: string | null
  /** NAME -> sealed value. */
  secrets: Record<string, string>
  /** Empty: all. */
  events: string[]
  statuses: ConversionStatus[]
  changes: ('status' | 'amount')[]
  /** Empty: all; bare uuids. */
  offer_ids: Uuid[]
  fallback: boolean
  delay_seconds: number
  success: {
    statuses?: number[]
    body_contains?: string
    body_not_contains?: string
    json?: { path: string; equals: string | number | boolean | null }
  } | null
  retry: { schedule: string[] } | null
  /** Calls that may start in any second, over all workers. */
  rate_limit?: { per_second: number }
  /** Calls that may be open at a time, over all workers; absent: 10 per worker process. */
  concurrency?: number
  /** Sealed. */
  signing_secret: string | null
}

export type Destination = {
  id: Uuid
  externalId: string | null
  affiliateId: Uuid
  state: 'active' | 'paused' | 'disabled'
  version: number
  archived: boolean
  definition: DestinationDefinition
}

/**
 * The whole catalogue in memory, archived rows included, at one version. It never goes back.
 * Readers of work (flush, claim) get the current version with their first statement and call `upTo` before they decide,
 * so a control write holds for every call that arrives after its answer.
 */
export type Catalogue = {
  readonly version: number
  /** Resolves when the cache holds at least this version (reads from Postgres only if it is older). */
  upTo(version: number): Promise<void>
  /** Reads Postgres and takes over what is newer. */
  refresh(): Promise<void>
  advertiser(id: Uuid): Advertiser | undefined
  /** By SHA-256 of the token, hex; a rotated token is known until its overlap ends. */
  advertiserByToken(tokenHash: string): Advertiser | undefined
  offer(id: Uuid): Offer | undefined
  affiliate(id: Uuid): Affiliate | undefined
  destination(id: Uuid): Destination | undefined
  /** Not archived. */
  openOffers(): readonly Offer[]
  /** The network's own presets, by name. */
  presets(): readonly Preset[]
  /** Not archived, in the order they were made (by id). */
  destinationsOf(affiliateId: Uuid): readonly Destination[]
  /** The uuid behind a TypeID or an external_id, or null. */
  resolve(noun: CatalogueNoun, idOrExternalId: string): Uuid | null
  /** How ids are rendered to partners: external_id where set, else the TypeID. */
  partnerId(noun: 'offer' | 'affiliate', id: Uuid): string
}

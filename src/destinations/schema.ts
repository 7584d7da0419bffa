import { type Static, Type } from 'typebox'
import { CONVERSION_STATUSES } from '../catalogue/catalogue.ts'
import { LIST_QUERY } from '../http/noun-routes.ts'
import { ExternalId, NullableText, OneOf, Strict } from '../http/wire.ts'

const STATES = ['active', 'paused', 'disabled'] as const
const METHODS = ['GET', 'POST'] as const
const CHANGES = ['status', 'amount'] as const
export const URL_MAX = 8192
const BODY_MAX = 65_536
export const DELAY_SECONDS_MAX = 30 * 24 * 3600

/** An empty one is a finding, like every other text that is no URL. */
const Url = Type.String({ maxLength: URL_MAX })
const Reference = Type.String({ minLength: 1, maxLength: 64 })
const Name = Type.String({ minLength: 1, maxLength: 128 })
const Phrase = Type.String({ maxLength: 4096 })

const UrlByStatus = Strict({
  pending: Type.Optional(Url),
  approved: Type.Optional(Url),
  rejected: Type.Optional(Url),
})
const Success = Strict({
  statuses: Type.Optional(Type.Array(Type.Integer(), { maxItems: 50 })),
  body_contains: Type.Optional(Phrase),
  body_not_contains: Type.Optional(Phrase),
  json: Type.Optional(
    Strict({
      path: Type.String({ minLength: 1, maxLength: 1024 }),
      equals: Type.Unsafe<string | number | boolean | null>({
        type: ['string', 'number', 'boolean', 'null'],
        maxLength: 4096,
      }),
    }),
  ),
})
const Retry = Strict({ schedule: Type.Array(Type.String({ maxLength: 16 }), { maxItems: 50 }) })

const RateLimit = Strict({ per_second: Type.Number() })

/** Null where it may be null; `Type.Union` would report each branch instead of the field. */
const orNull = <T extends { type: string }>(schema: T) => ({ ...schema, type: [schema.type, 'null'] })

const definition = {
  name: Type.Optional(NullableText({ minLength: 1, maxLength: 128 })),
  preset: Type.Optional(NullableText({ minLength: 1, maxLength: 64 })),
  method: Type.Optional(OneOf(METHODS, { default: 'GET' })),
  url: Url,
  url_by_status: Type.Optional(UrlByStatus),
  headers: Type.Optional(Type.Record(Type.String(), Phrase, { maxProperties: 50 })),
  body: Type.Optional(NullableText({ maxLength: BODY_MAX })),
  content_type: Type.Optional(NullableText({ maxLength: 256 })),
  secrets: Type.Optional(
    Type.Record(Type.String(), NullableText({ minLength: 1, maxLength: 4096 }), {
      maxProperties: 50,
      description: 'write-only; a PATCH sets the names that it holds, null removes one',
    }),
  ),
  events: Type.Optional(Type.Array(Name, { maxItems: 200, description: 'empty: all' })),
  statuses: Type.Optional(Type.Array(OneOf(CONVERSION_STATUSES), { maxItems: 3 })),
  changes: Type.Optional(Type.Array(OneOf(CHANGES), { maxItems: 2 })),
  offer_ids: Type.Optional(Type.Array(Reference, { maxItems: 1000, description: 'empty: all' })),
  fallback: Type.Optional(Type.Boolean({ default: false })),
  delay_seconds: Type.Optional(Type.Integer({ minimum: 0, maximum: DELAY_SECONDS_MAX, default: 0 })),
  success: Type.Optional(Type.Unsafe<Static<typeof Success> | null>(orNull(Success))),
  retry: Type.Optional(Type.Unsafe<Static<typeof Retry> | null>(orNull(Retry))),
  rate_limit: Type.Optional(
    Type.Unsafe<Static<typeof RateLimit> | null>({
      ...orNull(RateLimit),
      description:
        'calls that start in any second, over all workers: a whole number from 1 to 2000, or 0.02 to 1 for less than one; null: no limit',
    }),
  ),
  concurrency: Type.Optional(
    Type.Unsafe<number | null>({
      type: ['number', 'null'],
      description: 'calls open at a time, over all workers: 1 to 100; null: 10 per worker process',
    }),
  ),
  signing_secret: Type.Optional(
    NullableText({ minLength: 8, maxLength: 512, description: 'write-only; read as true' }),
  ),
}

const fields = {
  external_id: Type.Optional(ExternalId),
  affiliate_id: Reference,
  ...definition,
}

export const NewDestination = Strict(fields)
export type NewDestination = Static<typeof NewDestination>

export const DestinationPatch = Strict({
  ...fields,
  affiliate_id: Type.Optional(Reference),
  url: Type.Optional(Url),
  archived: Type.Optional(Type.Boolean()),
})
export type DestinationPatch = Static<typeof DestinationPatch>

export const DestinationQuery = Strict({
  ...LIST_QUERY,
  affiliate_id: Type.Optional(Reference),
  state: Type.Optional(OneOf(STATES)),
})

const Text = NullableText({ maxLength: BODY_MAX })
const Time = NullableText({ maxLength: 40 })
const MaybeNumber = Type.Unsafe<number | null>({ type: ['number', 'null'] })

export type Breaker = 'closed' | 'open' | 'probing'

const Health = Type.Object({
  breaker: Type.Unsafe<Breaker | null>({
    enum: ['closed', 'open', 'probing', null],
    description: 'probing: after a rest a few calls are let go, more with each second that they succeed',
  }),
  success_rate: MaybeNumber,
  p95_ms: MaybeNumber,
  last_error: Type.Unsafe<{ error: string; http_status: number | null; at: string } | null>({
    type: ['object', 'null'],
  }),
  held: MaybeNumber,
})
export type HealthWire = Static<typeof Health>

export const Finding = Type.Object({
  code: Type.String(),
  severity: OneOf(['error', 'warning', 'info']),
  message: Type.String(),
  fix: Type.String(),
})

export const DestinationAnswer = Type.Object({
  id: Type.String(),
  external_id: Text,
  affiliate_id: Type.String(),
  name: Text,
  preset: Text,
  method: OneOf(METHODS),
  url: Type.String(),
  url_as_given: Type.Optional(Type.String()),
  url_by_status: UrlByStatus,
  headers: Type.Record(Type.String(), Type.String()),
  body: Text,
  content_type: Text,
  secrets: Type.Record(Type.String(), Type.Literal(true)),
  events: Type.Array(Type.String()),
  statuses: Type.Array(OneOf(CONVERSION_STATUSES)),
  changes: Type.Array(OneOf(CHANGES)),
  offer_ids: Type.Array(Type.String()),
  fallback: Type.Boolean(),
  delay_seconds: Type.Integer(),
  success: Type.Unsafe<Static<typeof Success> | null>(orNull(Success)),
  retry: Type.Unsafe<Static<typeof Retry> | null>(orNull(Retry)),
  rate_limit: Type.Unsafe<Static<typeof RateLimit> | null>(orNull(RateLimit)),
  concurrency: MaybeNumber,
  signing_secret: Type.Unsafe<true | null>({ enum: [true, null] }),
  state: OneOf(STATES),
  state_reason: Text,
  health: Health,
  findings: Type.Array(Finding),
  version: Type.Integer(),
  archived_at: Time,
  created_at: Type.String(),
  updated_at: Type.String(),
})
export type DestinationWire = Static<typeof DestinationAnswer>

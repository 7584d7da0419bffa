import { Type } from 'typebox'
import { NullableText, OneOf } from '../http/wire.ts'
import { CANONICAL_FIELDS } from './field-names.ts'

const MaybeText = NullableText({ maxLength: 4096 })

export const Stored = Type.Object({
  result: OneOf(['accepted', 'duplicate']),
  conversion_id: Type.String(),
  revision: Type.Integer(),
  note: Type.Optional(Type.String()),
})

export const Parked = Type.Object(
  {
    result: Type.Literal('parked'),
    reason: Type.Literal('unknown_click'),
    conversion_id: Type.String(),
    revision: Type.Integer(),
  },
  { description: 'Stored; delivered by itself when the click is known.' },
)

export const Understood = Type.Object(
  {
    dry_run: Type.Literal(true),
    fields: Type.Record(Type.String(), Type.Object({ value: Type.String(), from: Type.String() })),
    params: Type.Record(Type.String(), Type.String()),
    notes: Type.Array(Type.String()),
    result: OneOf(['accepted', 'duplicate', 'parked']),
    note: MaybeText,
    revision: Type.Integer(),
    status: MaybeText,
    event: MaybeText,
    attribution: Type.Unsafe<Record<string, unknown> | null>({
      type: ['object', 'null'],
      properties: {
        by: OneOf(['click', 'report']),
        affiliate_id: Type.String(),
        offer_id: Type.String(),
        affiliate_click_id: MaybeText,
      },
    }),
    payout: MaybeText,
    currency: MaybeText,
    destinations: Type.Array(
      Type.Object({
        destination_id: Type.String(),
        name: MaybeText,
        decision: OneOf(['send', 'skipped', 'superseded']),
        reason: MaybeText,
      }),
    ),
  },
  { description: 'what dry_run=1 answers' },
)

/** For the OpenAPI document only: /postback takes parameters under any name. */
const ANSWERS = {
  200: Type.Union([Stored, Understood], { description: 'Stored. With ?format=text the body is OK.' }),
  202: Parked,
}

const ABOUT = {
  tags: ['intake'],
  summary: 'Report a conversion',
  description:
    'Query, form or JSON. Identifies the click by click_id (or its aliases); status, payout, sale_amount, currency, event, transaction_id, occurred_at, sub1 to sub10 as they apply. dry_run=1 answers what was understood and stores nothing.',
  security: [],
  response: ANSWERS,
}

const Value = Type.Optional(Type.String())

export const DryRun = Type.Optional(
  Type.String({ description: '1 answers what was understood and stores nothing' }),
)

const PARAMETERS = {
  ...Object.fromEntries(CANONICAL_FIELDS.map((field) => [field, Value])),
  format: Type.Optional(Type.String({ description: 'text answers OK or ERROR code' })),
  dry_run: DryRun,
}

const Token = Type.String({ description: "The advertiser's token." })

export const POSTBACK_TOKEN_SCHEMA = {
  ...ABOUT,
  params: Type.Object({ token: Token }),
  querystring: Type.Object(PARAMETERS),
}

export const POSTBACK_SCHEMA = {
  ...ABOUT,
  querystring: Type.Object({ token: Token, ...PARAMETERS }),
}

import { Type } from 'typebox'
import { CANONICAL_FIELDS } from './field-names.ts'

/** For the OpenAPI document only: /postback takes parameters under any name, see API.md 5. */
const ANSWERS = {
  200: Type.Object(
    {
      result: Type.String({ description: 'accepted or duplicate' }),
      conversion_id: Type.String(),
      revision: Type.Integer(),
      note: Type.Optional(Type.String()),
    },
    { description: 'Stored. With ?format=text the body is OK.' },
  ),
  202: Type.Object(
    {
      result: Type.Literal('parked'),
      reason: Type.Literal('unknown_click'),
      conversion_id: Type.String(),
      revision: Type.Integer(),
    },
    { description: 'Stored; delivered by itself when the click is known.' },
  ),
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

const PARAMETERS = {
  ...Object.fromEntries(CANONICAL_FIELDS.map((field) => [field, Value])),
  format: Type.Optional(Type.String({ description: 'text answers OK or ERROR code' })),
  dry_run: Type.Optional(Type.String({ description: '1 answers what was understood and stores nothing' })),
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

import { Type } from 'typebox'

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

export const POSTBACK_TOKEN_SCHEMA = {
  ...ABOUT,
  params: Type.Object({ token: Type.String({ description: "The advertiser's token." }) }),
}

export const POSTBACK_SCHEMA = {
  ...ABOUT,
  querystring: Type.Object({
    token: Type.Optional(
      Type.Unsafe<unknown>({ type: ['string', 'array'], description: "The advertiser's token." }),
    ),
  }),
}

import { type Static, Type } from 'typebox'
import { PAGE_QUERY } from '../http/pagination.ts'
import { NullableText, OneOf, Page, Strict } from '../http/wire.ts'
import { encodeId } from '../kit/ids.ts'
import type { Click } from './click.ts'
import { SUB_NAMES } from './subs.ts'

export const CLICK_ID_MAX = 500
export const SUB_MAX = 500
export const PARAM_MAX = 4096
export const PARAM_NAME_MAX = 128
const CLICKS_MAX = 1000

const Reference = Type.String({ minLength: 1, maxLength: 64 })
const Sub = Type.Optional(NullableText({ maxLength: SUB_MAX }))
const subs = {
  sub1: Sub,
  sub2: Sub,
  sub3: Sub,
  sub4: Sub,
  sub5: Sub,
  sub6: Sub,
  sub7: Sub,
  sub8: Sub,
  sub9: Sub,
  sub10: Sub,
}

export const NewClick = Strict({
  click_id: Type.String({ minLength: 1, maxLength: CLICK_ID_MAX, description: "the network's own" }),
  affiliate_id: Reference,
  offer_id: Reference,
  affiliate_click_id: Type.Optional(NullableText({ maxLength: CLICK_ID_MAX })),
  ...subs,
  params: Type.Optional(
    Type.Record(Type.String(), Type.String({ maxLength: PARAM_MAX }), { maxProperties: 500 }),
  ),
  ip: Type.Optional(NullableText({ maxLength: 64 })),
  user_agent: Type.Optional(NullableText({ maxLength: PARAM_MAX })),
  country: Type.Optional(NullableText({ maxLength: 2, description: 'ISO 3166, two letters' })),
  clicked_at: Type.Optional(
    Type.Unsafe<string | number | null>({
      type: ['string', 'number', 'null'],
      maxLength: 40,
      description: 'RFC 3339, unix seconds or ms; default now',
    }),
  ),
})
export type NewClick = Static<typeof NewClick>

/** The route checks a list item by item, since a bad one refuses itself only. */
export const ClickList = Strict({ data: Type.Array(Type.Unknown(), { maxItems: CLICKS_MAX }) })

const Nullable = NullableText({ maxLength: PARAM_MAX })

export const ClickAnswer = Type.Object({
  result: Type.Optional(OneOf(['created', 'unchanged'])),
  id: Type.String(),
  click_id: Type.String(),
  affiliate_id: Type.String(),
  offer_id: Type.String(),
  affiliate_click_id: Nullable,
  ...subs,
  params: Type.Record(Type.String(), Type.String()),
  ip: Nullable,
  user_agent: Nullable,
  country: Nullable,
  clicked_at: Type.String(),
  created_at: Type.String(),
})
export type ClickWire = Static<typeof ClickAnswer>

export const ClickResults = Type.Object({
  results: Type.Array(
    Type.Object({
      click_id: Type.Optional(Type.String()),
      result: Type.Optional(OneOf(['created', 'unchanged'])),
      error: Type.Optional(Type.Unknown()),
    }),
  ),
})

export const ClickPage = Page(ClickAnswer)

export const ClickQuery = Strict({
  ...PAGE_QUERY,
  click_id: Type.Optional(Type.String({ minLength: 1, maxLength: CLICK_ID_MAX })),
  affiliate_click_id: Type.Optional(Type.String({ minLength: 1, maxLength: CLICK_ID_MAX })),
  affiliate_id: Type.Optional(Reference),
  offer_id: Type.Optional(Reference),
})

export const ClickParams = Strict({ id: Type.String({ minLength: 1, maxLength: CLICK_ID_MAX }) })

export const toWire = (click: Click): ClickWire => ({
  id: encodeId('click', click.id),
  click_id: click.clickId,
  affiliate_id: encodeId('affiliate', click.affiliateId),
  offer_id: encodeId('offer', click.offerId),
  affiliate_click_id: click.affiliateClickId,
  ...Object.fromEntries(SUB_NAMES.map((name, at) => [name, click.subs[at] ?? null])),
  params: click.params,
  ip: click.ip,
  user_agent: click.userAgent,
  country: click.country,
  clicked_at: click.clickedAt.toISOString(),
  created_at: click.createdAt.toISOString(),
})

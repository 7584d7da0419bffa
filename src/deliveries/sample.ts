import { randomBytes } from 'node:crypto'
import type { Catalogue, ConversionStatus, Destination, Offer } from '../catalogue/catalogue.ts'
import { resolveField, syncCatalogue } from '../catalogue/resource.ts'
import type { Context } from '../context.ts'
import { payoutOf } from '../fanout/payout.ts'
import { AppError } from '../kit/app-error.ts'
import { decodeId, newUuid, type Uuid } from '../kit/ids.ts'
import type { Decimal } from '../kit/money.ts'
import type { DeliveryFacts } from './facts.ts'
import {
  type ClickSampleRow,
  type ConversionSampleRow,
  findClickSample,
  findConversionSample,
  findNewestOffer,
} from './sample-store.ts'

type Ctx = Pick<Context, 'db' | 'catalogue' | 'clock'>

/** What somebody wants to see sent: a stored conversion, a click of the affiliate's tracker, or something made up. */
export type SampleAsked = {
  conversion_id?: string
  affiliate_click_id?: string
  offer_id?: string
  event?: string
  status?: ConversionStatus
  payout?: Decimal
}

export type Sample = {
  facts: DeliveryFacts
  offer: Offer
  advertiserId: Uuid
  /** Nobody's tracker knows the click id. */
  madeUp: boolean
}

/** Throws AppError where what was named does not exist, or belongs to another affiliate. */
export async function loadSample(ctx: Ctx, destination: Destination, asked: SampleAsked): Promise<Sample> {
  const sample =
    asked.conversion_id === undefined
      ? await sampleOfClick(ctx, destination, asked)
      : await sampleOfConversion(ctx, destination, asked.conversion_id)
  const { event, status, payout } = asked
  return {
    ...sample,
    facts: {
      ...sample.facts,
      ...(event !== undefined && { event: event.toLowerCase() }),
      ...(status !== undefined && { status, ...previousOf(sample, status) }),
      ...(payout !== undefined && { payout }),
    },
  }
}

/** A stored conversion would change from the status that it has. */
const previousOf = ({ facts, madeUp }: Sample, status: string): Partial<DeliveryFacts> =>
  madeUp || facts.status === status ? {} : { previousStatus: facts.status }

async function sampleOfConversion(ctx: Ctx, destination: Destination, idText: string): Promise<Sample> {
  const id = decodeId('conversion', idText)
  const row = id === null ? null : await findConversionSample(ctx.db.reads, id)
  const offer = row?.offer_id == null ? undefined : ctx.catalogue.offer(row.offer_id)
  if (row === null || offer === undefined || row.affiliate_id !== destination.affiliateId)
    throw new AppError('invalid_field', {
      field: 'conversion_id',
      message: 'This is no conversion of the affiliate that the destination belongs to.',
      fix: 'GET /v1/conversions lists them, with the filter affiliate_id.',
    })
  return {
    facts: factsOfConversion(ctx, destination, row),
    offer,
    advertiserId: row.advertiser_id,
    madeUp: false,
  }
}

function factsOfConversion(ctx: Ctx, destination: Destination, row: ConversionSampleRow): DeliveryFacts {
  return {
    deliveryId: newUuid(ctx.clock.nowMs()),
    conversionId: row.id,
    revision: row.revision,
    event: row.event,
    status: row.status,
    previousStatus: row.previous_status,
    payout: row.payout,
    currency: row.currency,
    saleAmount: row.sale_amount,
    payoutDueBefore: null,
    affiliateClickId: row.affiliate_click_id,
    clickId: row.click_id,
    transactionId: row.by_click ? null : row.transaction_id,
    subs: row.subs,
    occurredAt: row.occurred_at,
    clickedAt: row.clicked_at,
    country: row.country,
    ip: row.ip,
    userAgent: row.user_agent,
    params: row.params,
    clickParams: row.click_params,
    offerId: row.offer_id ?? '',
    affiliateId: destination.affiliateId,
    test: false,
  }
}

async function sampleOfClick(ctx: Ctx, destination: Destination, asked: SampleAsked): Promise<Sample> {
  const { affiliateId } = destination
  const affiliateClickId = asked.affiliate_click_id ?? madeUpId()
  const click =
    asked.affiliate_click_id === undefined
      ? null
      : await findClickSample(ctx.db.reads, { affiliateId, affiliateClickId })
  const offer = await offerOf(ctx, destination, asked.offer_id, click)
  const { definition } = destination
  const event = asked.event ?? definition.events[0] ?? offer.events[0] ?? 'conversion'
  const priced = payoutOf({ offer, affiliateId, event, reported: {} })
  const nowMs = ctx.clock.nowMs()
  return {
    offer,
    advertiserId: offer.advertiserId,
    madeUp: asked.affiliate_click_id === undefined,
    facts: {
      deliveryId: newUuid(nowMs),
      conversionId: newUuid(nowMs),
      revision: 1,
      event: event.toLowerCase(),
      status: definition.statuses.includes('approved') ? 'approved' : (definition.statuses[0] ?? 'approved'),
      previousStatus: null,
      payout: priced.payout ?? '1',
      currency: priced.currency,
      saleAmount: null,
      payoutDueBefore: null,
      affiliateClickId,
      clickId: click?.click_id ?? null,
      transactionId: madeUpId(),
      subs: click?.subs ?? [],
      occurredAt: new Date(nowMs),
      clickedAt: click?.clicked_at ?? null,
      country: click?.country ?? null,
      ip: click?.ip ?? null,
      userAgent: click?.user_agent ?? null,
      params: {},
      clickParams: click?.params ?? {},
      offerId: offer.id,
      affiliateId,
      test: false,
    },
  }
}

/** `test-` and 12 hex digits. */
export const madeUpId = (): string => `test-${randomBytes(6).toString('hex')}`

async function offerOf(
  ctx: Ctx,
  { definition }: Destination,
  asked: string | undefined,
  click: ClickSampleRow | null,
): Promise<Offer> {
  const named = asked === undefined ? null : await resolveOffer(ctx, asked)
  const id = named ?? click?.offer_id ?? definition.offer_ids[0] ?? (await findNewestOffer(ctx.db.reads))
  const offer = id === null ? undefined : ctx.catalogue.offer(id)
  if (offer !== undefined) return offer
  throw new AppError('unknown_offer', {
    field: 'offer_id',
    fix: 'Create an offer first, or name one in offer_id.',
  })
}

async function resolveOffer(ctx: Ctx, text: string): Promise<Uuid> {
  await syncCatalogue(ctx)
  const catalogue: Catalogue = ctx.catalogue
  return resolveField(catalogue, { noun: 'offer', field: 'offer_id', text })
}

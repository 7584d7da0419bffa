import type { ConversionStatus } from '../catalogue/catalogue.ts'
import type { Db, Tx } from '../db/database.ts'
import type { Uuid } from '../kit/ids.ts'
import type { Decimal } from '../kit/money.ts'
import type { AttemptRecord } from './outcome.ts'

/** What a click, or a conversion of it, knows of the visitor. */
type VisitorRow = {
  click_id: string | null
  affiliate_click_id: string | null
  subs: (string | null)[]
  ip: string | null
  user_agent: string | null
  country: string | null
  clicked_at: Date | null
}

export type ConversionSampleRow = VisitorRow & {
  id: Uuid
  advertiser_id: Uuid
  affiliate_id: Uuid | null
  offer_id: Uuid | null
  by_click: boolean
  transaction_id: string | null
  event: string
  status: ConversionStatus
  previous_status: ConversionStatus | null
  payout: Decimal | null
  currency: string | null
  sale_amount: Decimal | null
  revision: number
  occurred_at: Date
  params: Record<string, string>
  click_params: Record<string, string>
}

/** A conversion in its newest revision. */
export async function findConversionSample(db: Db, id: Uuid): Promise<ConversionSampleRow | null> {
  const { rows } = await db.query<ConversionSampleRow>({
    text: `select c.id, c.advertiser_id, c.affiliate_id, c.offer_id, c.by_click, c.transaction_id, c.event, c.status,
        r.previous_status, c.payout, c.currency, c.sale_amount, c.revision, c.occurred_at, c.params, c.click_params,
        c.click_id, c.affiliate_click_id, c.subs, c.ip, c.user_agent, c.country, c.clicked_at
      from conversions c left join revisions r on r.conversion_id = c.id and r.revision = c.revision
      where c.id = $1`,
    values: [id],
  })
  return rows[0] ?? null
}

export type ClickSampleRow = VisitorRow & { offer_id: Uuid; params: Record<string, string> }

/** The newest click that the affiliate's tracker knows by this id. */
export async function findClickSample(
  db: Db,
  click: { affiliateId: Uuid; affiliateClickId: string },
): Promise<ClickSampleRow | null> {
  const { rows } = await db.query<ClickSampleRow>({
    text: `select click_id, affiliate_click_id, subs, ip, user_agent, country, clicked_at, offer_id, params from clicks
      where affiliate_click_id = $1 and affiliate_id = $2 order by id desc limit 1`,
    values: [click.affiliateClickId, click.affiliateId],
  })
  return rows[0] ?? null
}

/** The newest offer, for a test that names none. */
export async function findNewestOffer(db: Db): Promise<Uuid | null> {
  const { rows } = await db.query<{ id: Uuid }>({
    text: 'select id from offers where archived_at is null order by id desc limit 1',
    values: [],
  })
  return rows[0]?.id ?? null
}

/** The delivery of a conversion's newest revision to a destination, whose id a preview shows. */
export async function findNewestDeliveryId(
  db: Db,
  pair: { conversionId: Uuid; destinationId: Uuid },
): Promise<Uuid | null> {
  const { rows } = await db.query<{ id: Uuid }>({
    text: `select id from deliveries where conversion_id = $1 and destination_id = $2 and not test
      order by revision desc, id desc limit 1`,
    values: [pair.conversionId, pair.destinationId],
  })
  return rows[0]?.id ?? null
}

export type TestDeliveryRow = {
  id: Uuid
  conversionId: Uuid
  revisionId: Uuid
  revision: number
  destinationId: Uuid
  advertiserId: Uuid
  offerId: Uuid
  affiliateId: Uuid
  status: ConversionStatus
  payout: Decimal | null
  currency: string | null
  state: 'delivered' | 'refused' | 'failed'
  testFacts: object
}

/** A test fire and its one call; it ends here, whatever was answered. */
export async function insertTestDelivery(
  tx: Tx,
  row: TestDeliveryRow,
  attempt: AttemptRecord,
): Promise<void> {
  await tx.query({
    text: `insert into deliveries (id, conversion_id, revision_id, revision, destination_id, advertiser_id, offer_id,
        affiliate_id, status, payout, currency, state, attempts_count, last_http_status, last_verdict, last_error,
        last_attempt_at, delivered_at, test, test_facts)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1, $13, $14, $15, $16,
        case when $12 = 'delivered' then now() end, true, $17)`,
    values: [
      row.id,
      row.conversionId,
      row.revisionId,
      row.revision,
      row.destinationId,
      row.advertiserId,
      row.offerId,
      row.affiliateId,
      row.status,
      row.payout,
      row.currency,
      row.state,
      attempt.httpStatus,
      attempt.verdict,
      attempt.error,
      attempt.startedAt,
      row.testFacts,
    ],
  })
  await tx.query({
    text: `insert into attempts (delivery_id, id, started_at, verdict, http_status, error, timings_ms, remote_ip, destination_version)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    values: [
      row.id,
      attempt.id,
      attempt.startedAt,
      attempt.verdict,
      attempt.httpStatus,
      attempt.error,
      attempt.timingsMs,
      attempt.remoteIp,
      attempt.destinationVersion,
    ],
  })
  await tx.query({
    text: 'insert into attempt_bodies (id, request, response) values ($1, $2, $3)',
    values: [attempt.id, attempt.request, attempt.response],
  })
}

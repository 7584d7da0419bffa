import type { ConversionStatus } from '../catalogue/catalogue.ts'
import type { Db } from '../db/database.ts'
import type { Uuid } from '../kit/ids.ts'
import type { Decimal } from '../kit/money.ts'
import { COMMIT_ASYNC, LANE_MODE, type LaneMode } from './store.ts'
import type { ClaimedDelivery } from './travelling.ts'

type ClaimRow = {
  catalogue: number
  store_now_ms: number
  wait_ms: number
  lane_id: Uuid | null
  suspect: boolean
  id: Uuid | null
  conversion_id: Uuid
  revision: number
  destination_id: Uuid
  advertiser_id: Uuid
  offer_id: Uuid
  affiliate_id: Uuid
  status: ConversionStatus
  payout: Decimal | null
  currency: string | null
  attempts_count: number
  retries_used: number
  replay_id: Uuid | null
  held_for_ms: number | null
  test: boolean
  render: 'current' | 'original' | null
  previous_status: ConversionStatus | null
  sale_amount: Decimal | null
  occurred_at_ms: number
  event: string
  by_click: boolean
  transaction_id: string | null
  click_id: string | null
  affiliate_click_id: string | null
  subs: (string | null)[]
  params: Record<string, string>
  click_params: Record<string, string>
  ip: string | null
  user_agent: string | null
  country: string | null
  clicked_at_ms: number | null
  lane_mode: LaneMode
}

export type ClaimedBatch = {
  /** catalogue_version as of the claim. */
  catalogueVersion: number
  /** Unix ms by Postgres' clock. */
  storeNowMs: number
  /** From the batch's commit to this claim. */
  waitMs: number
  /** The lane it was made for by the sweeper; null: mixed. */
  destinationId: Uuid | null
  suspect: boolean
  deliveries: ClaimedDelivery[]
}

// Lateral with limit 1 keeps each look-up a single index scan whatever the statistics say: this plan is cached, and it
// may have been made when the tables were empty.
const CLAIM = `with ${COMMIT_ASYNC},
claimed as (
  update batches b set claimed_by = $2, runs = b.runs + 1, lease_until = now() + $3 * interval '1 ms'
  from off
  where b.id = $1 and b.lease_until > now() and (b.claimed_by is null or ($4 and b.claimed_by = $2))
  returning b.created_at, b.destination_id as lane_id, b.suspect, b.deliveries
)
select (select n from catalogue_version)::float8 as catalogue,
  (extract(epoch from now()) * 1000)::float8 as store_now_ms,
  (extract(epoch from now() - b.created_at) * 1000)::float8 as wait_ms,
  b.lane_id, b.suspect,
  d.id, d.conversion_id, d.revision, d.destination_id, d.advertiser_id, d.offer_id, d.affiliate_id, d.status,
  d.payout, d.currency, d.attempts_count, d.retries_used, d.replay_id, d.held_for_ms, d.test,
  p.render, r.previous_status, r.sale_amount, r.occurred_at_ms,
  c.event, c.by_click, c.transaction_id, c.click_id, c.affiliate_click_id, c.subs, c.params, c.click_params, c.ip,
  c.user_agent, c.country, c.clicked_at_ms,
  coalesce(lane.mode, 'direct') as lane_mode
from claimed b
left join lateral (
  select u.id, u.place from unnest(b.deliveries) with ordinality u(id, place)) u on true
left join lateral (
  select d.id, d.conversion_id, d.revision_id, d.revision, d.destination_id, d.advertiser_id, d.offer_id,
    d.affiliate_id, d.status, d.payout, d.currency, d.attempts_count, d.retries_used, d.replay_id, d.test,
    (extract(epoch from now() - d.held_since) * 1000)::float8 as held_for_ms
  from deliveries d where d.id = u.id and d.state = 'scheduled' limit 1) d on true
left join lateral (
  select r.previous_status, r.sale_amount, (extract(epoch from r.occurred_at) * 1000)::float8 as occurred_at_ms
  from revisions r where r.id = d.revision_id limit 1) r on true
left join lateral (
  select c.event, c.by_click, c.transaction_id, c.click_id, c.affiliate_click_id, c.subs, c.params, c.click_params,
    c.ip, c.user_agent, c.country, (extract(epoch from c.clicked_at) * 1000)::float8 as clicked_at_ms
  from conversions c where c.id = d.conversion_id limit 1) c on true
left join lateral (
  select p.render from replays p where p.id = d.replay_id limit 1) p on true
left join lateral (
  select ${LANE_MODE} as mode from lanes l where l.destination_id = d.destination_id limit 1) lane on true
order by u.place`

/**
 * The one-row compare-and-swap that makes this worker the only one to send a batch, and all that its rows need to be
 * rendered, in one round trip. Null: not there, ended, or claimed by another; then the job is dropped silently.
 * `again`: the answer to a claim of the same job was lost, so one that we hold already counts as this one.
 */
export async function claimBatch(
  db: Db,
  claim: { batchId: Uuid; workerId: Uuid; leaseMs: number; again: boolean },
): Promise<ClaimedBatch | null> {
  const { rows } = await db.query<ClaimRow>({
    name: 'claim_batch',
    text: CLAIM,
    values: [claim.batchId, claim.workerId, claim.leaseMs, claim.again],
  })
  const [first] = rows
  if (first === undefined) return null
  return {
    catalogueVersion: first.catalogue,
    storeNowMs: first.store_now_ms,
    waitMs: first.wait_ms,
    destinationId: first.lane_id,
    suspect: first.suspect,
    // Null: finished since (a late result, a replayed hint); nothing is left to do for it.
    deliveries: rows.flatMap((row) => (row.id === null ? [] : [toClaimedDelivery(row, row.id)])),
  }
}

const toClaimedDelivery = (row: ClaimRow, id: Uuid): ClaimedDelivery => ({
  destinationId: row.destination_id,
  advertiserId: row.advertiser_id,
  laneMode: row.lane_mode,
  attemptsCount: row.attempts_count,
  retriesUsed: row.retries_used,
  replayId: row.replay_id,
  replayRender: row.render,
  heldForMs: row.held_for_ms,
  facts: {
    deliveryId: id,
    conversionId: row.conversion_id,
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
    occurredAt: new Date(row.occurred_at_ms),
    clickedAt: row.clicked_at_ms === null ? null : new Date(row.clicked_at_ms),
    country: row.country,
    ip: row.ip,
    userAgent: row.user_agent,
    params: row.params,
    clickParams: row.click_params,
    offerId: row.offer_id,
    affiliateId: row.affiliate_id,
    test: row.test,
  },
})

/**
 * Moves the leases of all batches of this worker in one statement and returns those that are still its own. A batch
 * without an owner is taken back: its claim was lost in a crash of Postgres. Locks by id, like everything does.
 */
export async function renewBatches(
  db: Db,
  renewal: { batchIds: Uuid[]; workerId: Uuid; leaseMs: number },
): Promise<Set<Uuid>> {
  const { rows } = await db.query<{ id: Uuid }>({
    name: 'renew_batches',
    text: `with ${COMMIT_ASYNC},
      mine as (
        select b.id from batches b, off
        where b.id = any($1::uuid[]) and (b.claimed_by = $2 or b.claimed_by is null)
        order by b.id for update of b)
      update batches b set claimed_by = $2, lease_until = now() + $3 * interval '1 ms'
      from mine where b.id = mine.id returning b.id`,
    values: [renewal.batchIds, renewal.workerId, renewal.leaseMs],
  })
  return new Set(rows.map((row) => row.id))
}

/** A batch that turned out to be empty: all its rows were finished before. */
export async function deleteOwnBatch(db: Db, batchId: Uuid, workerId: Uuid): Promise<void> {
  await db.query({
    name: 'delete_own_batch',
    text: 'delete from batches where id = $1 and claimed_by = $2',
    values: [batchId, workerId],
  })
}

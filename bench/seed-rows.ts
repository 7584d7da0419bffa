import { sampleDefinition } from '../test/support/destination-samples.ts'

/** How much a seeded database holds: deliveries, and from when to when (unix ms) they were accepted. */
export type SeedSize = {
  deliveries: number
  destinations: number
  fromMs: number
  nowMs: number
}

/** A quarter of the conversions has a second revision, so five deliveries come of four conversions. */
export const conversionsOf = (size: SeedSize): number => Math.floor((size.deliveries * 4) / 5)

const LAST_DAY_MS = 86_400_000

const DEFINITION = sampleDefinition({
  name: 'Tracker',
  url: 'http://127.0.0.1:9/postback?clickid={affiliate_click_id}&payout={payout}&status={status}',
})

/** `relay_seed_uuid(ms, kind, n)` is a UUIDv7 of that millisecond; kind and n say which row it names. */
export const FUNCTIONS = [
  `create or replace function relay_seed_uuid(ms bigint, kind int, n bigint) returns uuid language sql immutable parallel safe
    as $$ select (lpad(to_hex(ms), 12, '0') || '7' || lpad(to_hex(kind), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid $$`,
  // Spread without order, the same in each run: 0 to 9999.
  `create or replace function relay_seed_hash(n bigint, salt int) returns int language sql immutable parallel safe
    as $$ select (((n + salt) * 2654435761 % 4294967296) * 10000 / 4294967296)::int $$`,
]

export const NAMES = {
  advertiser: (n: number): string => `adv-${n}`,
  offer: (n: number): string => `ofr-${n}`,
  affiliate: (n: number): string => `aff-${n}`,
  destination: (n: number): string => `dst-${n}`,
}

export const ADVERTISERS = 20
export const OFFERS = 200

/** Two destinations per affiliate. Number 0 is dead; the last of each noun never had a conversion. */
export function catalogueStatements(size: SeedSize): string[] {
  const born = `${size.fromMs - LAST_DAY_MS}::bigint`
  const affiliates = Math.ceil(size.destinations / 2)
  return [
    `insert into advertisers (id, external_id, name, token_hash, changed_in)
      select relay_seed_uuid(${born}, 1, n), 'adv-' || n, 'Advertiser ' || n, sha256(('seed-token-' || n)::bytea), 2
      from generate_series(0, ${ADVERTISERS}) n`,
    `insert into offers (id, external_id, advertiser_id, name, payout, changed_in)
      select relay_seed_uuid(${born}, 2, n), 'ofr-' || n, relay_seed_uuid(${born}, 1, least(n / 10, ${ADVERTISERS})), 'Offer ' || n,
        '{"type":"passthrough","currency":"USD"}', 2
      from generate_series(0, ${OFFERS}) n`,
    `insert into affiliates (id, external_id, name, changed_in)
      select relay_seed_uuid(${born}, 3, n), 'aff-' || n, 'Affiliate ' || n, 2 from generate_series(0, ${affiliates - 1}) n`,
    `insert into destinations (id, external_id, affiliate_id, version, changed_in)
      select relay_seed_uuid(${born}, 4, n), 'dst-' || n, relay_seed_uuid(${born}, 3, n / 2), 1, 2
      from generate_series(0, ${size.destinations - 1}) n`,
    `insert into destination_versions (destination_id, version, definition)
      select id, 1, '${JSON.stringify(DEFINITION)}'::jsonb from destinations`,
    'update catalogue_version set n = 2',
    `insert into lanes (destination_id, mode, previous_mode, blocked_until, blocked_reason, paced_at)
      select relay_seed_uuid(${born}, 4, 0), 'blocked', 'paced', now() + interval '30 days', 'breaker_open', now()`,
  ]
}

/**
 * Conversions from `first` to `last` (exclusive) with all that belongs to them. The last fifth came in the last 24 h.
 * Of the second half every other conversion went to the dead destination and is held; each rare state, status and error
 * is only in the oldest third, where a walk from the newest row would find it last.
 */
export function chunkStatements(size: SeedSize, first: number, last: number): string[] {
  const total = conversionsOf(size)
  const born = `${size.fromMs - LAST_DAY_MS}::bigint`
  const oldMs = size.nowMs - LAST_DAY_MS - size.fromMs
  const recent = Math.floor(total * 0.8)
  const topDestination = size.destinations - 2
  return [
    'drop table if exists seed_c, seed_d',
    `create temp table seed_c as
      select k, ms, relay_seed_uuid(ms, 16, k) as id, relay_seed_uuid(ms, 17, k) as inbound_id, relay_seed_uuid(ms, 18, k) as click_uuid,
        dead, dst, relay_seed_uuid(${born}, 4, dst) as destination_id, relay_seed_uuid(${born}, 3, dst / 2) as affiliate_id,
        relay_seed_uuid(${born}, 2, ofr) as offer_id, relay_seed_uuid(${born}, 1, ofr / 10) as advertiser_id,
        s, to_timestamp(ms / 1000.0) as at, md5('c' || k) as click_id, 'ac-' || md5('a' || k) as affiliate_click_id,
        'order-' || lpad(to_hex(k::bigint * 7919 % 1000003), 5, '0') || k as transaction_id,
        (1 + s % 50)::numeric as payout, k % 4 = 0 as revised,
        case when k < ${total} / 3 and s = 11 then 'rejected' when k % 4 = 0 or s >= 300 then 'approved' else 'pending' end as status
      from (
        select k, (case when k < ${recent} then ${size.fromMs} + (k::float8 / ${recent} * ${oldMs})::bigint
            else ${size.nowMs - LAST_DAY_MS} + ((k - ${recent})::float8 / ${Math.max(1, total - recent)} * ${LAST_DAY_MS - 60_000})::bigint end) as ms,
          (k >= ${total} / 2 and k % 2 = 1) as dead,
          case when k >= ${total} / 2 and k % 2 = 1 then 0
            else least(${topDestination}, 1 + floor(${topDestination} * power(relay_seed_hash(k, 1) / 10000.0, 3)))::int end as dst,
          relay_seed_hash(k, 2) % ${OFFERS} as ofr, relay_seed_hash(k, 3) as s
        from generate_series(${first}::bigint, ${last - 1}) k) x`,
    `create temp table seed_d as
      select k, revision, ms, relay_seed_uuid(ms, 32 + revision, k) as id, relay_seed_uuid(ms, 48 + revision, k) as revision_id,
        relay_seed_uuid(ms + 400, 64 + revision, k) as attempt_id, at, conversion_id, inbound_id, destination_id, advertiser_id, offer_id,
        affiliate_id, payout, status, state,
        case when state = 'cancelled' then 'destination_archived'
          when state = 'skipped' then (array['offer_not_selected', 'nothing_changed', 'no_affiliate_click_id'])[1 + k % 3]
          when state = 'failed' and k % 2 = 0 then 'retries_used_up' end as reason,
        case when state = 'delivered' then 200 when state = 'refused' then case when k < ${total} / 3 and s = 8 then 451 else 404 end
          when state = 'failed' and s % 2 = 0 then 500 when state = 'scheduled' and not dead then 503 end as http_status,
        case when state = 'failed' and s % 2 = 1 then case when k < ${total} / 3 and s = 201 then 'tls_failed' else 'connect_timeout' end end as error,
        case when state in ('delivered', 'refused') then 1 when state = 'failed' then 3
          when state = 'scheduled' and not dead then 1 else 0 end as attempts, dead, s
      from (
        select k, 1 as revision, ms, at, id as conversion_id, inbound_id, destination_id, advertiser_id, offer_id, affiliate_id, payout,
          status, dead, s,
          case when dead then 'scheduled' when k < ${total} / 3 and s = 7 then 'cancelled'
            when k >= ${total} * 0.98 and s between 20 and 60 then 'scheduled'
            when s < 200 then 'refused' when s < 300 then 'failed' when s < 500 then 'skipped'
            when k % 4 = 0 and s >= 9700 then 'superseded' else 'delivered' end as state
        from seed_c
        union all
        select k, 2, later, to_timestamp(later / 1000.0), id, inbound_id, destination_id, advertiser_id, offer_id, affiliate_id, payout,
          status, dead, s, case when s < 200 then 'refused' else 'delivered' end
        from (select *, ms + ((least(${size.nowMs} - ms, ${LAST_DAY_MS}) * (relay_seed_hash(k, 4) / 10000.0)))::bigint as later
          from seed_c where revised) r) x`,
    `insert into conversions (id, advertiser_id, by_click, transaction_id, event, click_id, attributed_by, affiliate_id, offer_id,
        affiliate_click_id, subs, params, ip, user_agent, country, clicked_at, occurred_at, status, reported, payout, currency, revision,
        created_at, updated_at)
      select id, advertiser_id, false, transaction_id, 'sale', click_id, 'click', affiliate_id, offer_id, affiliate_click_id,
        '{campaign-7,adset-3,banner}', '{}', '203.0.113.7', 'Mozilla/5.0', 'DE', at, at, status, '{"payout":"1.25","currency":"USD"}',
        payout, 'USD', case when revised then 2 else 1 end, at, at
      from seed_c`,
    `insert into conversion_keys (advertiser_id, by_click, identity, event, conversion_id, click_id, revision)
      select advertiser_id, false, transaction_id, 'sale', id, click_id, case when revised then 2 else 1 end from seed_c`,
    `insert into clicks (id, click_id, affiliate_id, offer_id, affiliate_click_id, subs, clicked_at, created_at)
      select click_uuid, click_id, affiliate_id, offer_id, affiliate_click_id, '{campaign-7,adset-3,banner}', at, at from seed_c where k % 4 = 1`,
    'insert into click_keys (click_id, id) select click_id, click_uuid from seed_c where k % 4 = 1',
    `insert into inbound_calls (id, advertiser_id, result, http_status, conversion_id, revision, click_id, transaction_id, event, source,
        remote_ip, created_at)
      select inbound_id, advertiser_id, 'accepted', 200, id, 1, click_id, transaction_id, 'sale', 'postback', '198.51.100.9', at from seed_c
      union all
      select relay_seed_uuid(ms + 1, 19, k), advertiser_id, 'duplicate', 200, id, 1, click_id, transaction_id, 'sale', 'postback',
        '198.51.100.9', at from seed_c where s between 1000 and 1200
      union all
      select relay_seed_uuid(ms + 2, 20, k), advertiser_id, 'quarantined', 422, null, null, 'q-' || click_id, 'q-' || transaction_id, 'sale',
        'postback', '198.51.100.9', at from seed_c where s between 1300 and 1350`,
    `update inbound_calls i set code = case when s = 1350 and k < ${total} / 3 then 'bad_signature' else 'unknown_status' end,
        message = 'The status is not one of ours.', field = 'status'
      from seed_c c where i.id = relay_seed_uuid(c.ms + 2, 20, c.k) and c.s between 1300 and 1350`,
    `insert into revisions (id, conversion_id, revision, inbound_call_id, status, previous_status, payout, currency, occurred_at, fanout_count,
        catalogue_version, created_at)
      select revision_id, conversion_id, revision, inbound_id, status, case when revision = 2 then 'pending' end, payout, 'USD', at, 1, 2, at
      from seed_d`,
    `insert into deliveries (id, conversion_id, revision_id, revision, destination_id, advertiser_id, offer_id, affiliate_id, status, payout,
        currency, state, reason, attempts_count, last_http_status, last_verdict, last_error, last_attempt_at, delivered_at, updated_at)
      select id, conversion_id, revision_id, revision, destination_id, advertiser_id, offer_id, affiliate_id, status, payout, 'USD', state,
        reason, attempts, http_status, case when attempts = 0 then null when state in ('delivered', 'refused') then state else 'retry' end,
        error, case when attempts > 0 then at end, case when state = 'delivered' then at end, at
      from seed_d`,
    `insert into attempts (delivery_id, id, started_at, verdict, http_status, error, timings_ms, remote_ip, destination_version)
      select id, attempt_id, at, case when state in ('delivered', 'refused') then state else 'retry' end, http_status, error,
        '{"dns":1.2,"tcp":10.5,"tls":20.1,"first_byte":45.2,"total":77.3}', '203.0.113.20', 1
      from seed_d where attempts > 0`,
    `insert into due (delivery_id, destination_id, share, due_at, reason)
      select id, destination_id, case when dead then 0 else 1 end, now() + case when dead then interval '0' else interval '6 h' end,
        case when not dead and s > 55 then 'delay' end
      from seed_d where state = 'scheduled'`,
  ]
}

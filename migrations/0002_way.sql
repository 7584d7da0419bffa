-- The way of a conversion: call -> conversion -> revision -> deliveries -> attempts.
-- Tables that grow without end are partitioned by range of their UUIDv7 id (src/db/partitions.ts makes the
-- partitions), so an id alone finds its partition and retention drops whole partitions.

create table inbound_calls (
  id uuid primary key,
  advertiser_id uuid,
  result text not null check (result in ('accepted', 'duplicate', 'parked', 'quarantined')),
  code text,
  message text,
  field text,
  http_status smallint not null,
  conversion_id uuid,
  revision int,
  click_id text,
  transaction_id text,
  event text,
  source text not null,
  remote_ip text,
  reprocessed_from uuid,
  reprocessed_at timestamptz,
  created_at timestamptz not null default now()
) partition by range (id);
comment on column inbound_calls.source is 'postback, api or reprocess';
create index inbound_calls_conversion on inbound_calls (conversion_id) where conversion_id is not null;
create index inbound_calls_quarantined on inbound_calls (id) where result = 'quarantined';
create index inbound_calls_quarantined_click on inbound_calls (click_id text_pattern_ops) where result = 'quarantined' and click_id is not null;
create index inbound_calls_quarantined_transaction on inbound_calls (transaction_id text_pattern_ops) where result = 'quarantined' and transaction_id is not null;
create index inbound_calls_advertiser on inbound_calls (advertiser_id, id);

-- The call as it came, kept for the shorter RETENTION_BODIES_DAYS.
create table inbound_raw (
  id uuid primary key,
  request jsonb not null
) partition by range (id);
comment on column inbound_raw.request is '{method, url (token masked), headers, body (text, up to 64 KiB), truncated?}';

create table clicks (
  id uuid primary key,
  click_id text not null,
  affiliate_id uuid not null,
  offer_id uuid not null,
  affiliate_click_id text,
  subs text[] not null default '{}',
  params jsonb not null default '{}',
  ip text,
  user_agent text,
  country text,
  clicked_at timestamptz not null,
  created_at timestamptz not null default now()
) partition by range (id);
create index clicks_affiliate_click_id on clicks (affiliate_click_id text_pattern_ops) where affiliate_click_id is not null;

-- Uniqueness of a click id over all partitions; id finds the row in clicks.
create table click_keys (
  click_id text primary key,
  id uuid not null
);

-- One row per conversion identity: advertiser + transaction id (or, by_click, the click id) + event.
-- The row lock serialises everything that happens to one conversion. Kept for ever.
create table conversion_keys (
  advertiser_id uuid not null,
  by_click boolean not null,
  identity text not null,
  event text not null,
  conversion_id uuid not null,
  click_id text,
  revision int not null default 0,
  recent jsonb not null default '[]',
  primary key (advertiser_id, by_click, identity, event)
) with (fillfactor = 85);
comment on column conversion_keys.recent is '[[report hash, revision, unix ms] ...] of the reports of the last 15 min';
create index conversion_keys_conversion on conversion_keys (conversion_id);
create index conversion_keys_click on conversion_keys (advertiser_id, click_id) where click_id is not null;

-- The newest state of a conversion and everything a late change needs. Kept for ever.
create table conversions (
  id uuid primary key,
  advertiser_id uuid not null,
  by_click boolean not null,
  transaction_id text,
  event text not null,
  click_id text,
  attributed_by text check (attributed_by in ('click', 'report')),
  affiliate_id uuid,
  offer_id uuid,
  affiliate_click_id text,
  subs text[] not null default '{}',
  click_params jsonb not null default '{}',
  params jsonb not null default '{}',
  ip text,
  user_agent text,
  country text,
  clicked_at timestamptz,
  occurred_at timestamptz not null,
  status text not null check (status in ('pending', 'approved', 'rejected')),
  reported jsonb not null default '{}',
  payout numeric(20, 6),
  currency text,
  sale_amount numeric(20, 6),
  revision int not null,
  note text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
) with (fillfactor = 85);
comment on column conversions.reported is 'the advertiser''s statement: {payout?, revenue?, sale_amount?, currency?, affiliate_id?, offer_id?}; amounts are decimal strings';
create index conversions_click on conversions (click_id text_pattern_ops) where click_id is not null;
create index conversions_affiliate_click on conversions (affiliate_click_id text_pattern_ops) where affiliate_click_id is not null;
create index conversions_transaction on conversions (transaction_id text_pattern_ops) where transaction_id is not null;

create table revisions (
  id uuid primary key,
  conversion_id uuid not null,
  revision int not null,
  inbound_call_id uuid,
  status text not null check (status in ('pending', 'approved', 'rejected')),
  previous_status text,
  payout numeric(20, 6),
  currency text,
  sale_amount numeric(20, 6),
  reported jsonb not null default '{}',
  occurred_at timestamptz not null,
  fanout_count int,
  catalogue_version bigint not null,
  note text,
  created_at timestamptz not null default now()
) partition by range (id);
comment on column revisions.fanout_count is 'null: not fanned out (then unsettled has the conversion); else the number of its delivery rows';
create index revisions_conversion on revisions (conversion_id);

-- Conversions that can't be fanned out yet. due_at infinity: given up (unattributed), still re-opened by a late click.
create table unsettled (
  conversion_id uuid primary key,
  click_id text,
  reason text not null,
  due_at timestamptz not null,
  tries int not null default 0,
  created_at timestamptz not null default now()
);
comment on column unsettled.reason is 'unknown_click, or another word for a wait that no click ends';
create index unsettled_click on unsettled (click_id);
create index unsettled_due on unsettled (due_at);

create table deliveries (
  id uuid primary key,
  conversion_id uuid not null,
  revision_id uuid not null,
  revision int not null,
  destination_id uuid not null,
  advertiser_id uuid not null,
  offer_id uuid not null,
  affiliate_id uuid not null,
  status text not null,
  payout numeric(20, 6),
  currency text,
  state text not null check (state in ('scheduled', 'delivered', 'refused', 'failed', 'skipped', 'superseded', 'cancelled')),
  reason text,
  next_id uuid,
  attempts_count int not null default 0,
  retries_used int not null default 0,
  last_http_status smallint,
  last_verdict text,
  last_error text,
  last_attempt_at timestamptz,
  delivered_at timestamptz,
  held_since timestamptz,
  replay_id uuid,
  test boolean not null default false,
  updated_at timestamptz not null default now()
) partition by range (id);
comment on column deliveries.next_id is 'successor for the same conversion and destination; set while this one travels, so that it is superseded instead of retried';
comment on column deliveries.held_since is 'first Retry-After answer of this delivery: the 7 days of receiver_asked run from here';
comment on column deliveries.replay_id is 'the replay that re-opened it last; its attempts carry it';
create index deliveries_conversion on deliveries (conversion_id);
create index deliveries_destination on deliveries (destination_id, id);
create index deliveries_offer on deliveries (offer_id, id);

create table attempts (
  delivery_id uuid not null,
  id uuid not null,
  started_at timestamptz not null,
  verdict text not null check (verdict in ('delivered', 'refused', 'retry')),
  http_status smallint,
  error text,
  timings_ms jsonb,
  remote_ip text,
  destination_version int not null,
  replay_id uuid,
  late boolean not null default false,
  primary key (delivery_id, id)
) partition by range (delivery_id);
comment on column attempts.late is 'the outcome arrived after its batch was taken over: a second send of the same attempt may exist';

-- What was sent and answered, kept for the shorter RETENTION_BODIES_DAYS. Secrets stay unexpanded.
create table attempt_bodies (
  id uuid primary key,
  request jsonb not null,
  response jsonb
) partition by range (id);
comment on column attempt_bodies.request is '{method, url, headers, body}';
comment on column attempt_bodies.response is '{status, headers, body, truncated?}; null without an answer';

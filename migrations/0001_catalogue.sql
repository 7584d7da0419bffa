-- Who reports (advertisers), what is promoted (offers), who hears of it (affiliates, destinations).
-- Every catalogue row carries changed_in: the catalogue_version of the write that last touched it. Control writes
-- lock catalogue_version first, so versions become visible in order and a cache at version n needs only changed_in > n.

create table catalogue_version (
  id boolean primary key default true check (id),
  n bigint not null
);
insert into catalogue_version (n) values (1);

create table advertisers (
  id uuid primary key,
  external_id text unique check (length(external_id) <= 64),
  name text not null,
  param_map jsonb not null default '{}',
  status_map jsonb not null default '{}',
  timezone text not null default 'UTC',
  ip_allowlist text[] not null default '{}',
  signing_secret text,
  rate_limit jsonb,
  answer jsonb not null default '{}',
  token_hash bytea not null unique,
  previous_token_hash bytea unique,
  previous_token_until timestamptz,
  changed_in bigint not null,
  archived_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on column advertisers.signing_secret is 'encrypted with SECRETS_KEY';
create index advertisers_changed_in on advertisers (changed_in);

create table offers (
  id uuid primary key,
  external_id text unique check (length(external_id) <= 64),
  advertiser_id uuid not null references advertisers,
  name text not null,
  landing_url text,
  payout jsonb not null,
  overrides jsonb not null default '[]',
  attribution_window_days int not null default 30,
  default_status text not null default 'approved' check (default_status in ('pending', 'approved', 'rejected')),
  events text[] not null default '{}',
  shared text[] not null default '{sale_amount}',
  state text not null default 'active' check (state in ('active', 'paused')),
  changed_in bigint not null,
  archived_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on column offers.payout is '{type, value?, currency}; value is a decimal string';
comment on column offers.overrides is '[{affiliate_id?, event?, type, value?, currency?}]; affiliate_id is a bare uuid';
create index offers_changed_in on offers (changed_in);

create table affiliates (
  id uuid primary key,
  external_id text unique check (length(external_id) <= 64),
  name text not null,
  email text,
  click_id_from text not null default 'click_id',
  state text not null default 'active' check (state in ('active', 'blocked')),
  changed_in bigint not null,
  archived_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index affiliates_changed_in on affiliates (changed_in);

create table destinations (
  id uuid primary key,
  external_id text unique check (length(external_id) <= 64),
  affiliate_id uuid not null references affiliates,
  state text not null default 'active' check (state in ('active', 'paused', 'disabled')),
  state_reason text,
  version int not null,
  changed_in bigint not null,
  archived_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index destinations_changed_in on destinations (changed_in);
create index destinations_affiliate on destinations (affiliate_id);

-- What a destination is at one version; never updated, so an attempt can always say what it rendered from.
create table destination_versions (
  destination_id uuid not null references destinations,
  version int not null,
  definition jsonb not null,
  created_at timestamptz not null default now(),
  primary key (destination_id, version)
);
comment on column destination_versions.definition is 'the wire fields of /v1/destinations; secrets and signing_secret encrypted with SECRETS_KEY';

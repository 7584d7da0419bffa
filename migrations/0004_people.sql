-- Who may do what, and what people asked for.

create table api_keys (
  id uuid primary key,
  name text not null,
  role text not null check (role in ('admin', 'support', 'affiliate', 'viewer')),
  key_hash bytea not null unique,
  shown text not null,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  revoked_at timestamptz
);
comment on column api_keys.shown is 'first characters, enough to recognise the key in a list';

create table replays (
  id uuid primary key,
  delivery_id uuid,
  render text not null check (render in ('current', 'original')),
  requested_by text not null,
  created_at timestamptz not null default now()
);
create index replays_delivery on replays (delivery_id);

create table idempotency_keys (
  key text not null,
  route text not null,
  request_hash bytea not null,
  http_status smallint,
  answer jsonb,
  created_at timestamptz not null default now(),
  primary key (route, key)
);

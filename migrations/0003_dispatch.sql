-- Who travels when. A scheduled delivery is in exactly one place: due, or one live batch.

create table due (
  delivery_id uuid primary key,
  destination_id uuid not null,
  share smallint not null check (share in (0, 1, 2)),
  due_at timestamptz not null,
  reason text,
  after_batch uuid,
  suspect boolean not null default false
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
comment on column due.share is 'share of the sweep: 0 fresh, 1 retry, 2 replay';
comment on column due.reason is 'delay, receiver_asked or null';
comment on column due.after_batch is 'the row waits while this batch lives (the older revision travels in it)';
create index due_pick on due (destination_id, share, due_at);

create table batches (
  id uuid primary key,
  created_at timestamptz not null default now(),
  destination_id uuid,
  lease_until timestamptz not null,
  claimed_by uuid,
  runs smallint not null default 0,
  suspect boolean not null default false,
  deliveries uuid[] not null
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0, fillfactor = 70);
comment on column batches.destination_id is 'set for a lane that is not direct, null for a mixed batch';
create index batches_lease on batches (lease_until);
create index batches_destination on batches (destination_id) where destination_id is not null;

-- A destination without a row here is a direct lane.
create table lanes (
  destination_id uuid primary key,
  mode text not null default 'direct' check (mode in ('direct', 'paced', 'blocked')),
  previous_mode text check (previous_mode in ('direct', 'paced')),
  blocked_until timestamptz,
  blocked_reason text check (blocked_reason in ('breaker_open', 'receiver_asked')),
  backed_off_ms int,
  paced_at timestamptz,
  allowance real,
  waiting int not null default 0,
  waiting_at timestamptz,
  updated_at timestamptz not null default now()
) with (fillfactor = 70);
create index lanes_not_direct on lanes (destination_id) where mode <> 'direct';

create table leader (
  id boolean primary key default true check (id),
  holder uuid,
  until timestamptz not null
);
insert into leader (holder, until) values (null, '-infinity');

-- One row per running worker process, rewritten each second; id is made at process start.
create table workers (
  id uuid primary key,
  host text not null,
  pid int not null,
  heartbeat_at timestamptz not null,
  rows_in_memory int not null default 0,
  waits_ms jsonb not null default '{}'
);
comment on column workers.waits_ms is '{queue name: longest wait between a batch''s commit and its claim in the last second}';

-- Breaker, ramp and limits of destinations: what the sweeper needs to release exactly as much as it may. And alerts.

alter table destinations
  add column rate_per_second real check (rate_per_second > 0),
  add column concurrency smallint check (concurrency > 0);
comment on column destinations.rate_per_second is 'rate_limit.per_second of the current definition, for the sweep; null: no limit';
comment on column destinations.concurrency is 'of the current definition, for the sweep; null: 10 per worker process';

alter table lanes
  add column recovery text check (recovery in ('probing', 'ramping')),
  add column ramp_rate real,
  add column ramp_at timestamptz,
  add column ok int not null default 0,
  add column bad int not null default 0;
comment on column lanes.recovery is 'null: the breaker is closed; probing: open, or one row is out to see whether the tracker answers again; ramping: it did';
comment on column lanes.backed_off_ms is 'how long the breaker stayed open last; null: it is closed';
comment on column lanes.ramp_rate is 'rows per second that a ramp releases since ramp_at';
comment on column lanes.allowance is 'rows that a ramp may still release in its present second';
comment on column lanes.ok is 'calls since ramp_at that were answered; bad: that must be repeated';
create index lanes_recovery on lanes (destination_id) where recovery is not null;

-- Calls of destinations with a rate limit, for as long as they count against it.
create table recent_starts (
  destination_id uuid not null,
  calls int not null,
  counts_until timestamptz not null
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
create index recent_starts_destination on recent_starts (destination_id, counts_until);

-- What somebody should know of: opened when it began, closed when it was over.
create table alerts (
  id uuid primary key,
  kind text not null,
  destination_id uuid,
  opened_at timestamptz not null default now(),
  closed_at timestamptz
);
create index alerts_open on alerts (destination_id, kind) where closed_at is null;

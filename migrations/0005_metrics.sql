-- Counters of all processes, added up (src/reports/metric-totals.ts). For graphs only: the ledger never reads them.
create table metric_totals (
  name text not null,
  label text not null,
  value double precision not null,
  primary key (name, label)
) with (fillfactor = 70);
comment on column metric_totals.label is 'value of the metric''s one label; of a histogram the upper bound of the bucket, +Inf, sum or count';

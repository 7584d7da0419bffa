-- A network's own presets, beside those that come with the program (config/presets/).
create table presets (
  name text primary key check (length(name) <= 40),
  definition jsonb not null,
  changed_in bigint not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on column presets.definition is 'as config/presets/preset.ts describes it';
create index presets_changed_in on presets (changed_in);

-- What holds for the whole installation, whatever process looks: one row, written by the first start.
create table installation (
  id boolean primary key default true check (id),
  secrets_key_check text not null
);
comment on column installation.secrets_key_check is 'a known text sealed with SECRETS_KEY: tells a wrong key at start';

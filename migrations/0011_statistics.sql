-- Columns that no list filters, sorts or joins by. Autovacuum counts young tables again and again, in bursts that hold
-- everything else up; without these a burst takes less than half the processor time (p99 of accepts 70 to 86 ms before, 35 to 45
-- since; 1,000 a second). New partitions take it over (src/db/partitions.ts).

alter table attempt_bodies
  alter column request set statistics 0,
  alter column response set statistics 0;
alter table inbound_raw alter column request set statistics 0;
alter table inbound_calls
  alter column message set statistics 0,
  alter column field set statistics 0,
  alter column remote_ip set statistics 0,
  alter column reprocessed_from set statistics 0,
  alter column reprocessed_at set statistics 0;
alter table conversion_keys alter column recent set statistics 0;
alter table conversions
  alter column subs set statistics 0,
  alter column click_params set statistics 0,
  alter column params set statistics 0,
  alter column reported set statistics 0,
  alter column ip set statistics 0,
  alter column user_agent set statistics 0,
  alter column country set statistics 0,
  alter column note set statistics 0,
  alter column payout set statistics 0,
  alter column currency set statistics 0,
  alter column sale_amount set statistics 0,
  alter column clicked_at set statistics 0,
  alter column occurred_at set statistics 0,
  alter column updated_at set statistics 0;
alter table revisions
  alter column reported set statistics 0,
  alter column note set statistics 0,
  alter column payout set statistics 0,
  alter column currency set statistics 0,
  alter column sale_amount set statistics 0,
  alter column occurred_at set statistics 0,
  alter column catalogue_version set statistics 0;
alter table attempts
  alter column error set statistics 0,
  alter column timings_ms set statistics 0,
  alter column remote_ip set statistics 0,
  alter column started_at set statistics 0,
  alter column destination_version set statistics 0,
  alter column replay_id set statistics 0;
alter table deliveries
  alter column payout set statistics 0,
  alter column currency set statistics 0,
  alter column retries_used set statistics 0,
  alter column last_verdict set statistics 0,
  alter column updated_at set statistics 0,
  alter column held_since set statistics 0,
  alter column next_id set statistics 0;

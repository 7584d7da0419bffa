-- A test fire shows values that no conversion has. Nullable and without a default, so no row is rewritten.
alter table deliveries add column test_facts jsonb;
comment on column deliveries.test_facts is 'of a test fire: {event, transaction_id, click_id, affiliate_click_id} as it was sent';

-- Indexes of the lists that people search (docs/decisions/0004 says why these and what they cost).
-- `migrate` builds them beforehand, concurrently and per partition (src/db/build-indexes.ts), so that here they are only
-- attached: of a relay at work on 1,000,000 deliveries no call failed, the longest accept took 1.0 s (24 s in all).

create index if not exists deliveries_state on deliveries (state, id) where state in ('refused', 'failed', 'skipped', 'superseded', 'cancelled');
create index if not exists deliveries_destination_state on deliveries (destination_id, state, id) where state in ('refused', 'failed', 'skipped', 'superseded', 'cancelled');
create index if not exists deliveries_destination_delivered on deliveries (destination_id, id) where state = 'delivered';
create index if not exists deliveries_reason on deliveries (reason, id) where reason is not null;
create index if not exists deliveries_http_status on deliveries (last_http_status, id) where last_http_status <> 200;
create index if not exists deliveries_error on deliveries (last_error, id) where last_error is not null;
create index if not exists conversions_advertiser on conversions (advertiser_id, id);
create index if not exists conversions_affiliate on conversions (affiliate_id, id) where affiliate_id is not null;
create index if not exists conversions_offer on conversions (offer_id, id) where offer_id is not null;
create index if not exists conversions_status on conversions (status, id) where status in ('pending', 'rejected');
create index if not exists inbound_calls_result on inbound_calls (result, id) where result in ('duplicate', 'parked');
create index if not exists inbound_calls_code on inbound_calls (code, id) where code is not null;
create index if not exists clicks_affiliate on clicks (affiliate_id, id);
create index if not exists clicks_offer on clicks (offer_id, id);
create index if not exists due_reason on due (reason, delivery_id) where reason is not null;

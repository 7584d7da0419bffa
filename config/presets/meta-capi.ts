import type { Preset } from './preset.ts'

export const metaCapi: Preset = {
  name: 'meta_capi',
  title: 'Meta Conversions API',
  version: 1,
  kind: 'ad_platform',
  method: 'POST',
  example: 'https://graph.facebook.com/VERSION/PIXEL_ID/events?access_token={secret:ACCESS_TOKEN}',
  body: '{"data":[{"event_name":"{event|map:conversion=Purchase,sale=Purchase,purchase=Purchase,lead=Lead,registration=CompleteRegistration}","event_time":{timestamp},"event_id":"{delivery_id}","action_source":"website","user_data":{"em":["{email|hash:email}"],"ph":["{phone|hash:phone}"],"external_id":["{affiliate_click_id|sha256}"],"fbc":"{fbc}","client_ip_address":"{ip}","client_user_agent":"{user_agent}"},"custom_data":{"currency":"{currency}","value":{payout|default:0},"order_id":"{transaction_id}"}}]}',
  omit_empty: true,
  age_seconds_max: 7 * 24 * 3600,
  recognise: [{ host: 'graph.facebook.com', path: '/**/events' }],
  click_id_parameter: null,
  parameters: [
    {
      name: 'access_token',
      macro: '{secret:ACCESS_TOKEN}',
      need: 'required',
      without: 'the call is refused',
    },
  ],
  status: null,
  refusals: [{ word: 'no_events_received', json: { path: 'events_received', equals: 0 } }],
  dedup: 'event_name + event_id within 48 hours.',
  replay: { safe: 'depends', effect: 'Within 48 hours the same event_id counts once, later again.' },
  reversal: { by_postback: false, how: 'An event can not be taken back by a call.' },
  test_parameters: {},
  test_body: { test_event_code: 'TEST_EVENT_CODE' },
  limits: ['An event older than 7 days fails the whole request.', 'event_time is in seconds.'],
  notes: [
    {
      says: 'event_name, event_time and user_data are required; one event over 7 days old fails the request.',
      standing: 'documented',
      source: 'developers.facebook.com/docs/marketing-api/conversions-api/parameters/server-event',
    },
    {
      says: 'A valid request is answered with 2xx, an invalid one with 4xx.',
      standing: 'documented',
      source: 'developers.facebook.com/documentation/ads-commerce/conversions-api/support',
    },
    {
      says: 'E-mail trimmed and in lower case, phone as digits with the country code, both as SHA-256; fbc as fb.1.MILLISECONDS.FBCLID; test_event_code; names of the standard events.',
      standing: 'not_found',
      source: 'general knowledge',
    },
    {
      says: 'events_received in the body tells how many were taken.',
      standing: 'third_party',
      source: 'n8n.io/workflows/17674',
    },
  ],
}

import type { Preset } from './preset.ts'

export const tiktokEvents: Preset = {
  name: 'tiktok_events',
  title: 'TikTok Events API',
  version: 1,
  kind: 'ad_platform',
  method: 'POST',
  example: 'https://business-api.tiktok.com/open_api/v1.3/event/track/',
  headers: { 'Access-Token': '{secret:ACCESS_TOKEN}' },
  body: '{"event_source":"web","event_source_id":"{secret:PIXEL_CODE}","data":[{"event":"{event|map:conversion=CompletePayment,sale=CompletePayment,purchase=CompletePayment,lead=SubmitForm,registration=CompleteRegistration}","event_time":{timestamp},"event_id":"{delivery_id}","user":{"ttclid":"{click_param:ttclid}","email":"{email|hash:email}","phone":"{phone|hash:e164}","external_id":"{affiliate_click_id|sha256}","ip":"{ip}","user_agent":"{user_agent}"},"properties":{"currency":"{currency}","value":{payout|default:0}}}]}',
  omit_empty: true,
  recognise: [{ host: 'business-api.tiktok.com' }],
  click_id_parameter: null,
  parameters: [],
  status: null,
  refusals: [
    { word: 'code_not_zero', json: { path: 'code', notEquals: 0 } },
    { word: 'unexpected_answer', json: { path: 'code', equals: 0 }, requireBody: true },
  ],
  dedup: 'By event_id.',
  replay: {
    safe: 'depends',
    effect: 'The event_id stays the same; for how long it is compared is not documented.',
  },
  reversal: { by_postback: false, how: 'An event can not be taken back by a call.' },
  test_parameters: {},
  test_body: { test_event_code: 'TEST_EVENT_CODE' },
  limits: ['event_time is in seconds.'],
  notes: [
    {
      says: 'Body shape, the header Access-Token and test_event_code.',
      standing: 'documented',
      source: 'docs.tealium.com/server-side-connectors/tiktok-events-connector',
    },
    {
      says: 'It worked only where the status is 200 and code in the body is 0.',
      standing: 'third_party',
      source: 'public client code',
    },
    {
      says: 'E-mail and phone normalised (phone in E.164 with its plus) and as SHA-256; names of the standard events.',
      standing: 'not_found',
      source: 'general knowledge',
    },
    { says: 'Greatest age of an event, rate limit, error numbers.', standing: 'not_found', source: 'TikTok' },
  ],
}

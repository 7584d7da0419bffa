import type { Preset } from './preset.ts'

export const ga4: Preset = {
  name: 'ga4',
  title: 'GA4 Measurement Protocol',
  version: 1,
  kind: 'ad_platform',
  method: 'POST',
  example:
    'https://www.google-analytics.com/mp/collect?measurement_id=G-XXXXXXX&api_secret={secret:API_SECRET}',
  body: '{"client_id":"{ga_client_id}","timestamp_micros":"{timestamp_ms}000","events":[{"name":"{event|map:conversion=purchase,sale=purchase,lead=generate_lead,registration=sign_up}","params":{"transaction_id":"{transaction_id}","event_id":"{delivery_id}","currency":"{currency}","value":{payout|default:0},"gclid":"{click_param:gclid}"}}]}',
  omit_empty: true,
  age_seconds_max: 72 * 3600,
  confirmation: 'none',
  recognise: [
    { host: 'www.google-analytics.com', path: '/mp/collect' },
    { host: 'www.google-analytics.com', path: '/debug/mp/collect' },
  ],
  click_id_parameter: null,
  parameters: [
    {
      name: 'measurement_id',
      macro: 'G-XXXXXXX',
      need: 'required',
      without: 'the event belongs to no property',
    },
    { name: 'api_secret', macro: '{secret:API_SECRET}', need: 'required', without: 'the event is dropped' },
  ],
  status: null,
  refusals: [{ word: 'validation_failed', json: { path: 'validationMessages.0.description' } }],
  dedup: 'transaction_id of a purchase (general knowledge, no source).',
  replay: { safe: 'depends', effect: 'A purchase with the same transaction_id should count once.' },
  reversal: { by_postback: true, how: 'The event refund with the same transaction_id.', event: 'refund' },
  test_parameters: {},
  test_path: { from: '/mp/collect', to: '/debug/mp/collect' },
  limits: ['Events can lie up to 72 hours back.'],
  notes: [
    {
      says: 'POST only, client_id and events[]; up to 72 hours back.',
      standing: 'documented',
      source: 'developers.google.com/analytics/devguides/collection/protocol/ga4/sending-events',
    },
    {
      says: '/debug/mp/collect answers with validationMessages and counts nothing; it does not check the api_secret.',
      standing: 'documented',
      source: 'developers.google.cn/analytics/devguides/collection/protocol/ga4/validating-events',
    },
    {
      says: 'Never answers with an HTTP error, even for what it can not read.',
      standing: 'documented',
      source: 'developers.google.cn/analytics/devguides/collection/protocol/ga4/validating-events',
    },
  ],
}

import type { Preset } from './preset.ts'

export const googleDataManager: Preset = {
  name: 'google_data_manager',
  title: 'Google Data Manager API',
  version: 1,
  kind: 'ad_platform',
  not_built: true,
  method: 'POST',
  example: 'https://datamanager.googleapis.com/v1/events:ingest',
  headers: { Authorization: 'Bearer {secret:ACCESS_TOKEN}' },
  recognise: [{ host: 'datamanager.googleapis.com' }],
  click_id_parameter: null,
  parameters: [],
  status: null,
  refusals: [],
  dedup: 'By transaction id.',
  replay: { safe: 'depends', effect: 'The same transaction id should count once.' },
  reversal: { by_postback: true, how: 'A conversion can be adjusted or retracted.' },
  test_parameters: {},
  limits: [
    '2,000 events and 10 destinations a request; 100,000 requests a day, 300 a minute per project.',
    'Results are asynchronous.',
  ],
  notes: [
    {
      says: 'events.ingest with destinations[] and events[], validateOnly, results by requestStatus.retrieve.',
      standing: 'documented',
      source: 'developers.google.com/data-manager/api/devguides/events/google-ads/offline',
    },
    {
      says: 'Limits; over them 429.',
      standing: 'documented',
      source: 'developers.google.com/data-manager/api/devguides/limits',
    },
    { says: 'The host name of the API.', standing: 'inferred', source: 'general knowledge' },
  ],
}

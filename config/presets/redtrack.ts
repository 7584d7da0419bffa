import type { Preset } from './preset.ts'

export const redtrack: Preset = {
  name: 'redtrack',
  title: 'RedTrack',
  version: 1,
  kind: 'tracker',
  method: 'GET',
  example:
    'https://TRACKING_DOMAIN/postback?clickid={affiliate_click_id}&sum={payout}&type={event}&status={status|map:rejected=declined}&currency={currency}&rdtk_event_id={transaction_id}',
  recognise: [{ path: '/postback', parameters: ['clickid'] }],
  click_id_parameter: 'clickid',
  parameters: [
    {
      name: 'clickid',
      macro: '{affiliate_click_id}',
      need: 'required',
      mistaken: ['cid', 'click_id', 'subid'],
      without: 'no click is found and nothing is counted',
    },
    { name: 'sum', macro: '{payout}', need: 'optional' },
    {
      name: 'type',
      macro: '{event}',
      need: 'optional',
      mistaken: ['event', 'goal', 'et'],
      case_sensitive: true,
    },
    {
      name: 'status',
      macro: '{status|map:rejected=declined}',
      need: 'recommended',
      without: 'the conversion gets the status other',
    },
    { name: 'currency', macro: '{currency}', need: 'optional' },
    {
      name: 'rdtk_event_id',
      macro: '{transaction_id}',
      need: 'optional',
      mistaken: ['txid', 'tid', 'transaction_id', 'order_id'],
    },
  ],
  status: {
    parameter: 'status',
    words: ['approved', 'pending', 'declined', 'other'],
    map: 'rejected=declined',
  },
  refusals: [],
  dedup:
    'Set per conversion type in the tracker: create a new one, ignore, edit with the new data, add to the payout, or ignore by rdtk_event_id.',
  replay: {
    safe: 'depends',
    effect:
      'Depends on the duplicate setting of the conversion type; in two of its modes the conversion counts again.',
  },
  reversal: {
    by_postback: true,
    how: 'The same clickid, type and rdtk_event_id with status=declined.',
    needs: [
      { parameter: 'status', macro: '{status|map:rejected=declined}' },
      { parameter: 'rdtk_event_id', macro: '{transaction_id}' },
    ],
    caveat: 'RedTrack changes a conversion only where its duplicate setting is to edit the conversion.',
  },
  test_parameters: {},
  limits: ['20 conversion types (older accounts 11).'],
  notes: [
    {
      says: 'type equals a configured conversion type exactly, case included; no status means other.',
      standing: 'documented',
      source: 'docs.redtrack.io/knowledgebase/tracking-event-types',
    },
    {
      says: 'Duplicate modes per type, over the default of the source; ignore by rdtk_event_id.',
      standing: 'documented',
      source: 'help.redtrack.io/knowledgebase/kb/conversion-tracking/tracking-event-types',
    },
    {
      says: 'Conversions of an expired click are ignored without a word.',
      standing: 'documented',
      source: 'help.redtrack.io, click expiration',
    },
    {
      says: 'The parameter sum for the payout.',
      standing: 'third_party',
      source: 'public client code',
    },
    {
      says: 'Several currencies are converted at the ECB rate.',
      standing: 'documented',
      source: 'help.redtrack.io, adding an offer source',
    },
    {
      says: 'Status, body and rate limit of the answer, so a 2xx counts as delivered.',
      standing: 'not_found',
      source: 'docs.redtrack.io',
    },
  ],
}

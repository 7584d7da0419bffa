import type { Preset } from './preset.ts'

export const voluum: Preset = {
  name: 'voluum',
  title: 'Voluum',
  version: 1,
  kind: 'tracker',
  method: 'GET',
  example:
    'https://TRACKING_DOMAIN/postback?cid={affiliate_click_id}&payout={payout}&txid={transaction_id}&currency={currency}',
  recognise: [{ path: '/postback', parameters: ['cid'] }],
  click_id_parameter: 'cid',
  parameters: [
    {
      name: 'cid',
      macro: '{affiliate_click_id}',
      need: 'required',
      mistaken: ['clickid', 'click_id', 'subid'],
      without: 'no visit is found and nothing is counted',
    },
    { name: 'payout', macro: '{payout}', need: 'optional', mistaken: ['sum', 'amount', 'revenue', 'price'] },
    {
      name: 'txid',
      macro: '{transaction_id}',
      need: 'recommended',
      mistaken: ['tid', 'transaction_id', 'txn_id', 'order_id'],
      without: 'every further conversion of the same click is dropped',
    },
    { name: 'currency', macro: '{currency}', need: 'optional' },
    {
      name: 'et',
      macro: '{event}',
      need: 'optional',
      mistaken: ['event', 'goal', 'type'],
      case_sensitive: true,
    },
    { name: 'param1', macro: '{sub1}', need: 'optional' },
    { name: 'param2', macro: '{sub2}', need: 'optional' },
    { name: 'param3', macro: '{sub3}', need: 'optional' },
    { name: 'param4', macro: '{sub4}', need: 'optional' },
    { name: 'param5', macro: '{sub5}', need: 'optional' },
  ],
  status: null,
  refusals: [],
  dedup:
    'cid + txid: the same pair counts once; a new txid of the same cid is another conversion; without txid the second call of a cid is dropped.',
  replay: {
    safe: 'depends',
    effect:
      'With txid it counts once. Without it the repeat is dropped, unless the affiliate network there accepts duplicate postbacks.',
  },
  reversal: {
    by_postback: false,
    how: 'No status parameter is documented; a conversion is taken back with a negative payout in a conversion upload.',
    upload: {
      columns: [
        { name: 'cid', holds: 'click_id' },
        { name: 'txid', holds: 'reversal_id' },
        { name: 'payout', holds: 'negative_payout' },
        { name: 'currency', holds: 'currency' },
      ],
      rows_max: 50_000,
    },
  },
  test_parameters: {},
  limits: ['Conversion upload: 50,000 conversions an hour.'],
  notes: [
    {
      says: 'Parameters cid, payout, txid, currency, et, param1 to param5; cid is mandatory.',
      standing: 'documented',
      source: 'doc.voluum.com/en/tracking_conversions_postback.html',
    },
    {
      says: 'et is case-sensitive and must exist as a custom conversion.',
      standing: 'third_party',
      source: 'docs.dataflysignal.com/integrations/attribution/voluum',
    },
    {
      says: 'An offer with a manual payout ignores the payout of the postback.',
      standing: 'documented',
      source: 'doc.voluum.com/article/parameters-in-postback-urls',
    },
    {
      says: 'Reports show the day of the visit unless switched to the day of the postback.',
      standing: 'documented',
      source: 'doc.voluum.com/article/general-settings-conversion-registration-time-reporting',
    },
    {
      says: 'A conversion upload takes a negative payout.',
      standing: 'documented',
      source: 'doc.voluum.com/article/conversion-upload',
    },
    {
      says: 'Columns of a conversion upload: named here like the parameters of the postback; check them against the form there.',
      standing: 'not_found',
      source: 'doc.voluum.com/article/conversion-upload',
    },
    {
      says: 'A reversal has a txid of its own, since the same cid and txid counts once.',
      standing: 'inferred',
      source: 'doc.voluum.com/en/upselling.html',
    },
    {
      says: 'Status and body of the answer for a bad or repeated cid, so a 2xx counts as delivered.',
      standing: 'not_found',
      source: 'doc.voluum.com',
    },
  ],
}

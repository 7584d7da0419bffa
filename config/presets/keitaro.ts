import type { Preset } from './preset.ts'

export const keitaro: Preset = {
  name: 'keitaro',
  title: 'Keitaro',
  version: 1,
  kind: 'tracker',
  method: 'GET',
  example:
    'https://TRACKER/POSTBACK_KEY/postback?subid={affiliate_click_id}&status={status|map:approved=sale,pending=lead}&payout={payout}&currency={currency}&tid={transaction_id}',
  recognise: [
    { path: '/*/postback', parameters: ['subid'] },
    { path: '/*/postback', parameters: ['clickid'] },
  ],
  click_id_parameter: 'subid',
  parameters: [
    {
      name: 'subid',
      macro: '{affiliate_click_id}',
      need: 'required',
      also: ['clickid'],
      mistaken: ['cid', 'click_id', 'sub_id'],
      without: 'the postback is ignored',
    },
    {
      name: 'status',
      macro: '{status|map:approved=sale,pending=lead}',
      need: 'required',
      also: ['type'],
      without: 'newer versions ignore the postback',
    },
    {
      name: 'payout',
      macro: '{payout}',
      need: 'optional',
      also: ['revenue', 'profit'],
      mistaken: ['sum', 'amount', 'price'],
    },
    { name: 'currency', macro: '{currency}', need: 'optional' },
    {
      name: 'tid',
      macro: '{transaction_id}',
      need: 'recommended',
      mistaken: ['txid', 'transaction_id', 'txn_id'],
      without: 'a second conversion of the same click overwrites the first',
    },
  ],
  status: {
    parameter: 'status',
    words: ['lead', 'sale', 'rejected', 'rebill', 'registration', 'deposit', 'trash'],
    map: 'approved=sale,pending=lead',
    mapped_by: ['sale_status', 'lead_status', 'rejected_status'],
  },
  refusals: [
    { word: 'incorrect_postback_code', contains: 'Incorrect postback code' },
    { word: 'incorrect_subid', contains: 'Incorrect subid' },
    { word: 'subid_not_found', contains: 'SubID not found' },
    { word: 'postback_ignored', contains: 'Postback ignored' },
    // Of Orbitra, whose URL looks the same.
    { word: 'missing_subid', contains: 'Missing subid' },
    { word: 'missing_status', contains: 'Ignored: Missing status' },
    { word: 'click_not_found', contains: 'Click ID not found' },
  ],
  dedup:
    'subid + tid: the same pair overwrites, another tid is another conversion. Without tid the same subid overwrites.',
  replay: { safe: 'yes', effect: 'The same subid and tid overwrite the conversion with the same values.' },
  reversal: {
    by_postback: true,
    how: 'The same subid and tid with status=rejected.',
    needs: [
      { parameter: 'status', macro: '{status|map:approved=sale,pending=lead}' },
      { parameter: 'tid', macro: '{transaction_id}' },
    ],
  },
  test_parameters: {},
  limits: ['sub_id_1 to sub_id_15, in newer versions to sub_id_30.'],
  notes: [
    {
      says: 'The key is a segment of the path; status became mandatory: missing or unknown means ignored.',
      standing: 'documented',
      source: 'docs.keitaro.io/en/conversions-and-postback/postback.html',
    },
    {
      says: 'Older versions take a missing status as sale.',
      standing: 'documented',
      source: 'v9.help.keitaro.io/en/conversions-and-postback/postback.html',
    },
    {
      says: 'lead to sale, lead to rejected, sale to rejected, rebill to rejected; a rebill needs a tid of its own.',
      standing: 'documented',
      source: 'docs.keitaro.io/en/conversions/postback.html',
    },
    {
      says: 'clickid, type and profit as other names; the same subid and status overwrites.',
      standing: 'third_party',
      source: 'public integration notes on the Keitaro API',
    },
    {
      says: 'The answer is Success or the text of return=, so no text is required for success.',
      standing: 'documented',
      source: 'docs.keitaro.io/en/conversions/postback.html',
    },
    {
      says: 'Incorrect subid and SubID not found.',
      standing: 'documented',
      source: 'docs.keitaro.io/en/conversions-and-postback/postback-troubleshooting.html',
    },
    {
      says: 'Incorrect postback code as the body of an answer.',
      standing: 'third_party',
      source: 'tests of a public re-implementation',
    },
    {
      says: 'The HTTP status that comes with an error text; taken to be 200.',
      standing: 'not_found',
      source: 'docs.keitaro.io',
    },
  ],
}

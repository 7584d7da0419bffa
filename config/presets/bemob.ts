import type { Preset } from './preset.ts'

export const bemob: Preset = {
  name: 'bemob',
  title: 'BeMob',
  version: 1,
  kind: 'tracker',
  method: 'GET',
  example:
    'https://X.bemobtrcks.com/postback?cid={affiliate_click_id}&payout={payout}&txid={transaction_id}&status={status}',
  recognise: [
    { host: '*.bemobtrcks.com', path: '/postback' },
    { path: '/postback', parameters: ['cid'] },
  ],
  click_id_parameter: 'cid',
  parameters: [
    {
      name: 'cid',
      macro: '{affiliate_click_id}',
      need: 'required',
      mistaken: ['clickid', 'click_id', 'subid'],
      without: 'nothing is recorded',
    },
    { name: 'payout', macro: '{payout}', need: 'optional', mistaken: ['sum', 'amount', 'revenue', 'price'] },
    {
      name: 'txid',
      macro: '{transaction_id}',
      need: 'optional',
      mistaken: ['tid', 'transaction_id', 'txn_id'],
    },
    { name: 'status', macro: '{status}', need: 'optional', mistaken: ['cnv_status', 'state'] },
  ],
  status: { parameter: 'status', words: [], map: null },
  refusals: [],
  dedup: 'Double postbacks are an option of the affiliate network there.',
  replay: { safe: 'depends', effect: 'Counts again where double postbacks are switched on.' },
  reversal: {
    by_postback: true,
    how: 'The same cid and txid with a status that the network settings there map to Rejected.',
    needs: [
      { parameter: 'txid', macro: '{transaction_id}' },
      { parameter: 'status', macro: '{status}' },
    ],
    caveat: 'BeMob needs our status words entered in the statuses of the affiliate network there.',
  },
  test_parameters: {},
  limits: ['cid has 22 letters and digits; only ids that BeMob gave out are recorded.'],
  notes: [
    {
      says: 'cid, payout, txid and status; cid is an id of BeMob.',
      standing: 'documented',
      source: 'docs.bemob.com/en/performing-conversion-test',
    },
    {
      says: 'Status words are mapped to New ... Rejected in the network settings.',
      standing: 'documented',
      source: 'help.bemob.com/docs/using-postback-statuses',
    },
    {
      says: 'Status and body of the answer, so a 2xx counts as delivered.',
      standing: 'not_found',
      source: 'docs.bemob.com',
    },
  ],
}

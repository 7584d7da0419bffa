import type { Preset } from './preset.ts'

export const peerclick: Preset = {
  name: 'peerclick',
  title: 'PeerClick',
  version: 1,
  kind: 'tracker',
  method: 'GET',
  example:
    'https://pstb.peerclick.com/postback?cid={affiliate_click_id}&payout={payout}&status={status}&txid={transaction_id}&currency={currency}',
  recognise: [{ host: 'pstb.peerclick.com' }],
  click_id_parameter: 'cid',
  parameters: [
    {
      name: 'cid',
      macro: '{affiliate_click_id}',
      need: 'required',
      mistaken: ['clickid', 'click_id', 'subid'],
      without: 'no click is found and nothing is counted',
    },
    { name: 'payout', macro: '{payout}', need: 'optional', mistaken: ['sum', 'amount', 'revenue', 'price'] },
    { name: 'status', macro: '{status}', need: 'optional', mistaken: ['cnv_status', 'state'] },
    {
      name: 'txid',
      macro: '{transaction_id}',
      need: 'optional',
      mistaken: ['tid', 'transaction_id', 'txn_id'],
    },
    { name: 'currency', macro: '{currency}', need: 'optional' },
    { name: 'conversion_id', macro: '{conversion_id}', need: 'optional' },
  ],
  status: { parameter: 'status', words: [], map: null },
  refusals: [],
  dedup: 'Not documented in what was read.',
  replay: { safe: 'depends', effect: 'Not documented; the conversion may count again.' },
  reversal: {
    by_postback: true,
    how: 'The same cid and txid with status=rejected.',
    needs: [
      { parameter: 'txid', macro: '{transaction_id}' },
      { parameter: 'status', macro: '{status}' },
    ],
    caveat:
      'Which status words PeerClick knows is not documented in what was read; try one conversion first.',
  },
  test_parameters: {},
  limits: [],
  notes: [
    {
      says: 'cid, payout, status, txid, currency, conversion_id, paramN and eventN on a shared host.',
      standing: 'documented',
      source: 'help-center.peerclick.com/en/articles/10512589',
    },
    {
      says: 'Status words, answer texts and dedup, so a 2xx counts as delivered.',
      standing: 'not_found',
      source: 'help-center.peerclick.com',
    },
  ],
}

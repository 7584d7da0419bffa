import type { Preset } from './preset.ts'

export const funnelflux: Preset = {
  name: 'funnelflux',
  title: 'FunnelFlux Pro',
  version: 1,
  kind: 'tracker',
  method: 'GET',
  example: 'https://DOMAIN/pb/?hit={affiliate_click_id}&tx={transaction_id}&rev={payout}',
  recognise: [{ path: '/pb', parameters: ['hit'] }],
  click_id_parameter: 'hit',
  parameters: [
    {
      name: 'hit',
      macro: '{affiliate_click_id}',
      need: 'required',
      mistaken: ['clickid', 'click_id', 'cid', 'subid'],
      without: 'no hit is found and nothing is counted',
    },
    { name: 'tx', macro: '{transaction_id}', need: 'optional', mistaken: ['txid', 'tid', 'transaction_id'] },
    {
      name: 'rev',
      macro: '{payout}',
      need: 'recommended',
      mistaken: ['payout', 'sum', 'revenue', 'amount'],
      without: 'the default payout of the offer there is taken',
    },
  ],
  status: null,
  refusals: [],
  dedup: 'Not documented in what was read.',
  replay: { safe: 'depends', effect: 'Not documented; the conversion may count again.' },
  reversal: { by_postback: false, how: 'No reversal by postback is documented.' },
  test_parameters: {},
  limits: ['A hit id belongs to one node of the funnel.'],
  notes: [
    {
      says: 'hit, tx and rev on /pb/; without rev the default of the offer counts.',
      standing: 'documented',
      source: 'help.funnelflux.pro/en/article/tracking-conversions-1vtfnp5',
    },
    {
      says: 'Answer texts, dedup and reversal, so a 2xx counts as delivered.',
      standing: 'not_found',
      source: 'help.funnelflux.pro',
    },
  ],
}

import type { Preset } from './preset.ts'

export const clickflare: Preset = {
  name: 'clickflare',
  title: 'ClickFlare',
  version: 1,
  kind: 'tracker',
  method: 'GET',
  example:
    'https://DOMAIN/cf/cv?click_id={affiliate_click_id}&payout={payout}&txid={transaction_id}&ct={event}',
  recognise: [{ path: '/cf/cv' }, { path: '/cf/postback', parameters: ['cid'] }],
  click_id_parameter: 'click_id',
  parameters: [
    {
      name: 'click_id',
      macro: '{affiliate_click_id}',
      need: 'required',
      also: ['cid'],
      mistaken: ['clickid', 'subid'],
      without: 'the conversion is not registered',
    },
    { name: 'payout', macro: '{payout}', need: 'optional', mistaken: ['sum', 'amount', 'revenue', 'price'] },
    {
      name: 'txid',
      macro: '{transaction_id}',
      need: 'optional',
      mistaken: ['tid', 'transaction_id', 'txn_id'],
    },
    { name: 'ct', macro: '{event}', need: 'optional' },
  ],
  status: null,
  refusals: [],
  dedup: 'Not documented in what was read.',
  replay: { safe: 'depends', effect: 'Not documented; the conversion may count again.' },
  reversal: { by_postback: false, how: 'No reversal by postback is documented.' },
  test_parameters: {},
  limits: [],
  notes: [
    {
      says: 'click_id, payout, txid and ct on /cf/cv; without a click id nothing is registered.',
      standing: 'documented',
      source: 'help.clickflare.io/en/tracking/click-flare-parameters-in-postback-urls',
    },
    {
      says: 'The older form /cf/postback?cid= is still in the documentation.',
      standing: 'documented',
      source: 'help.clickflare.io/en/settings/s2s-postback-ur-ls',
    },
    {
      says: 'Answer texts, dedup and reversal, so a 2xx counts as delivered.',
      standing: 'not_found',
      source: 'help.clickflare.io',
    },
  ],
}

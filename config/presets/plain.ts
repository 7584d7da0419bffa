import type { Preset } from './preset.ts'

export const plain: Preset = {
  name: 'plain',
  title: 'Any other receiver',
  version: 1,
  kind: 'plain',
  method: 'GET',
  example: 'https://HOST/PATH?click_id={affiliate_click_id}&payout={payout}&transaction_id={transaction_id}',
  recognise: [],
  click_id_parameter: null,
  parameters: [],
  status: null,
  refusals: [],
  dedup: 'Not known.',
  replay: { safe: 'depends', effect: 'The receiver may count the conversion again.' },
  reversal: { by_postback: true, how: 'The receiver hears the status rejected where it is selected.' },
  test_parameters: {},
  limits: [],
  notes: [],
}

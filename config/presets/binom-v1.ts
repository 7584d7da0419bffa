import type { Preset } from './preset.ts'

export const binomV1: Preset = {
  name: 'binom_v1',
  title: 'Binom v1',
  version: 1,
  kind: 'tracker',
  method: 'GET',
  example:
    'https://TRACKER/click.php?cnv_id={affiliate_click_id}&payout={payout_due}&cnv_status={status}&cnv_currency={currency}',
  recognise: [
    { path: '/**/click.php', parameters: ['cnv_id'] },
    { path: '/**/click.php', parameters: ['cnv_status'] },
  ],
  click_id_parameter: 'cnv_id',
  parameters: [
    {
      name: 'cnv_id',
      macro: '{affiliate_click_id}',
      need: 'required',
      mistaken: ['clickid', 'click_id', 'cid', 'subid'],
      without: 'no click is found and nothing is counted',
    },
    {
      name: 'payout',
      macro: '{payout_due}',
      need: 'optional',
      mistaken: ['sum', 'amount', 'revenue', 'price'],
    },
    {
      name: 'cnv_status',
      macro: '{status}',
      need: 'recommended',
      mistaken: ['status', 'state'],
      without: 'its status scheme has no word to choose by, and a reversal looks like a sale',
    },
    { name: 'cnv_status2', macro: '{event}', need: 'optional' },
    { name: 'cnv_currency', macro: '{currency}', need: 'optional', mistaken: ['currency'] },
  ],
  status: { parameter: 'cnv_status', words: [], map: null },
  refusals: [],
  dedup:
    'One conversion per click: a repeat updates it; where Upsell is on at the offer, a repeat adds to the payout. No transaction id is documented.',
  replay: {
    safe: 'depends',
    effect: 'The conversion is written again; with Upsell on at the offer the payout is added a second time.',
  },
  reversal: {
    by_postback: true,
    how: 'The same cnv_id with another cnv_status, which the status scheme maps, and payout={payout_due}, which is 0 then.',
    needs: [
      { parameter: 'cnv_status', macro: '{status}' },
      { parameter: 'payout', macro: '{payout_due}' },
    ],
    caveat: 'Where Upsell is on at the offer, Binom may add the 0 instead of replacing the payout.',
  },
  test_parameters: { disable_postback: '1' },
  limits: ['Events event1 to event10.'],
  notes: [
    {
      says: 'Parameters cnv_id, payout, cnv_status, cnv_status2, cnv_currency, to_offer on click.php, also in a folder.',
      standing: 'documented',
      source: 'docs.binom.org/postback-url.php',
    },
    {
      says: 'Upsell makes a repeat add to the payout; disable_postback=1 stops the onward postback of Binom.',
      standing: 'documented',
      source: 'docs.binom.org/update-conv.php',
    },
    {
      says: 'Without Upsell a repeat updates the conversion; the same call sent twice with Upsell doubles the money.',
      standing: 'inferred',
      source: 'docs.binom.org/update-conv.php',
    },
    {
      says: 'An offer with a fixed payout ignores the payout of the postback.',
      standing: 'documented',
      source: 'docs.binom.org/payout-tracking-v2.php',
    },
    {
      says: 'Answer, authentication and rate limit of the postback, so a 2xx counts as delivered.',
      standing: 'not_found',
      source: 'docs.binom.org',
    },
  ],
}

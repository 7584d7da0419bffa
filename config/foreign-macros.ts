/**
 * How other platforms write what our macros mean, by bracket style. Sources: the public macro lists of Everflow, TUNE,
 * Affise, CAKE, Trackier, Scaleo, Impact, LinkTrust and Keitaro. A name in capitals counts in that case first, then any
 * case. What has no exact counterpart with us ({payout_usd}, {revenue}, hashed subs) is left out on purpose: an error on
 * save is better than another amount.
 */
export type MacroStyle = 'hash' | 'linktrust' | 'other'

const numbered = (
  prefix: string,
  count: number,
  ours: (n: number) => string,
  from = 1,
): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`${prefix}${index + from}`, ours(index + from)]),
  )

const sub = (n: number): string => `{sub${n}}`

/** CAKE: #s2#. */
const hash: Record<string, string> = {
  ...numbered('s', 10, sub),
  ...numbered('sub', 10, sub),
  clickid: '{affiliate_click_id}',
  click_id: '{affiliate_click_id}',
  // No macro of ours: left out it would read as our {cid}, the click id.
  cid: '{creative_id}',
  leadid: '{conversion_id}',
  reqid: '{network_click_id}',
  reqsessid: '{network_click_id}',
  tid: '{transaction_id}',
  affid: '{affiliate_id}',
  oid: '{offer_id}',
  price: '{payout}',
  payout: '{payout}',
  status: '{status}',
  ip: '{ip}',
  sourceip: '{ip}',
  utcunixtime: '{timestamp}',
  sourcetime: '{datetime}',
}

/** LinkTrust: [=ClickID=]. */
const linktrust: Record<string, string> = {
  clickid: '{affiliate_click_id}',
  affiliatereferenceid: '{affiliate_click_id}',
  afid: '{affiliate_id}',
  cid: '{offer_id}',
  sid: '{sub1}',
  _transid: '{transaction_id}',
  merchantreferenceid: '{transaction_id}',
  affiliatecommission: '{payout}',
  totalsales: '{sale_amount}',
}

/** Everything in {x} {{x}} ${x} [x] %x% %%x%%. */
const other: Record<string, string> = {
  ...numbered('s', 10, sub),
  ...numbered('sub_id', 10, sub),
  ...numbered('sub_id_', 10, sub),
  ...numbered('subid', 10, sub),
  ...numbered('aff_sub', 4, sub, 2),
  ...numbered('p', 9, sub, 2),
  aff_sub: '{sub1}',
  p1: '{affiliate_click_id}',
  click: '{affiliate_click_id}',
  affclickid: '{affiliate_click_id}',
  affiliatereferenceid: '{affiliate_click_id}',
  actionid: '{conversion_id}',
  action_id: '{conversion_id}',
  transactionid: '{transaction_id}',
  order_id: '{transaction_id}',
  orderid: '{transaction_id}',
  OID: '{transaction_id}',
  txn_id: '{transaction_id}',
  txid: '{transaction_id}',
  tid: '{transaction_id}',
  trans_id: '{transaction_id}',
  adv_sub: '{transaction_id}',
  payout_amount: '{payout}',
  sum: '{payout}',
  Amount: '{sale_amount}',
  amount: '{payout}',
  price: '{payout}',
  deltapayout: '{payout_delta}',
  order_sum: '{sale_amount}',
  order_currency: '{currency}',
  conv_status: '{status}',
  cnv_status: '{status}',
  actionstatus: '{status}',
  state: '{status}',
  goal: '{event}',
  goal_id: '{event}',
  event_id: '{event}',
  event_name: '{event}',
  actiontype: '{event}',
  oid: '{offer_id}',
  offerid: '{offer_id}',
  aff_id: '{affiliate_id}',
  affid: '{affiliate_id}',
  geo: '{country}',
  uagent: '{user_agent}',
  date_only: '{date}',
  time: '{timestamp|date:HH:mm:ss}',
  click_date: '{click_timestamp|date:YYYY-MM-DD}',
  eventdate: '{datetime}',
  fbclid: '{click_param:fbclid}',
  gclid: '{click_param:gclid}',
  ttclid: '{click_param:ttclid}',
}

export const FOREIGN_MACROS: Readonly<Record<MacroStyle, Readonly<Record<string, string>>>> = {
  hash,
  linktrust,
  other,
}

/** The words that trackers put into a URL where the sender's macro belongs. */
export const PLACEHOLDER_WORDS: readonly string[] = ['replace', 'optional']

/** What belongs into a parameter of a receiver we don't know, by its name. */
export const USUAL_PARAMETERS: Readonly<Record<string, string>> = {
  cid: '{affiliate_click_id}',
  clickid: '{affiliate_click_id}',
  click_id: '{affiliate_click_id}',
  'click-id': '{affiliate_click_id}',
  subid: '{affiliate_click_id}',
  sub_id: '{affiliate_click_id}',
  aff_click_id: '{affiliate_click_id}',
  affiliate_click_id: '{affiliate_click_id}',
  cnv_id: '{affiliate_click_id}',
  hit: '{affiliate_click_id}',
  payout: '{payout}',
  amount: '{payout}',
  sum: '{payout}',
  revenue: '{payout}',
  rev: '{payout}',
  txid: '{transaction_id}',
  txn_id: '{transaction_id}',
  tid: '{transaction_id}',
  tx: '{transaction_id}',
  transaction_id: '{transaction_id}',
  order_id: '{transaction_id}',
  status: '{status}',
  cnv_status: '{status}',
  currency: '{currency}',
  event: '{event}',
  goal: '{event}',
  et: '{event}',
}

/** Parameter names whose literal value is most likely a secret. */
export const SECRET_PARAMETERS: readonly string[] = [
  'access_token',
  'api_key',
  'apikey',
  'api-key',
  'api_secret',
  'auth',
  'auth_token',
  'key',
  'password',
  'secret',
  'secure',
  'security_token',
  'token',
]

import type { ConversionStatus } from '../../src/catalogue/catalogue.ts'
import type { Report } from '../../src/intake/report.ts'

/** One call as a platform documents it for its advertisers, with the maps that read it, and what it reports. */
export type AdvertiserCall = {
  platform: string
  paramMap: Record<string, string>
  statusMap: Record<string, ConversionStatus>
  query: string
  body?: { contentType: string; text: string }
  reports: Partial<Report>
}

const CLICK = '0af3c1d2e4b5968778695a4b'

export const ADVERTISER_CALLS: readonly AdvertiserCall[] = [
  {
    platform: 'TUNE',
    paramMap: { click_id: 'transaction_id', transaction_id: 'adv_sub' },
    statusMap: {},
    query: `offer_id=26&transaction_id=${CLICK}&adv_sub=A-1001&amount=49.90&status=approved&goal_id=12&security_token=s3`,
    reports: {
      clickId: CLICK,
      transactionId: 'A-1001',
      offerId: '26',
      saleAmount: '49.9',
      status: 'approved',
      event: '12',
      params: { security_token: 's3' },
    },
  },
  {
    platform: 'Affise',
    paramMap: { payout: 'sum' },
    statusMap: {},
    query: `clickid=${CLICK}&action_id=77812&goal=2&sum=10.5&status=5&secure=k9&custom_field1=red`,
    reports: {
      clickId: CLICK,
      transactionId: '77812',
      event: '2',
      payout: '10.5',
      saleAmount: null,
      status: 'pending',
      params: { secure: 'k9', custom_field1: 'red' },
    },
  },
  {
    platform: 'Affise without action_id, which then equals the click id',
    paramMap: { click_id: 'clickid', transaction_id: 'clickid' },
    statusMap: {},
    query: `clickid=${CLICK}&status=1`,
    reports: { clickId: CLICK, transactionId: CLICK, status: 'approved' },
  },
  {
    platform: 'Everflow',
    paramMap: { click_id: 'transaction_id', event: 'adv_event_id', revenue: 'amount' },
    statusMap: {},
    query: `nid=812&transaction_id=${CLICK}&amount=30.00&adv_event_id=FTD&adv1=x&order_id=9-1`,
    reports: {
      clickId: CLICK,
      transactionId: '9-1',
      event: 'ftd',
      revenue: '30',
      saleAmount: null,
      params: { nid: '812', adv1: 'x' },
    },
  },
  {
    platform: 'CAKE',
    paramMap: {},
    statusMap: {},
    query: `click_id=${CLICK}&amount=12.00&status=Scrubbed`,
    reports: { clickId: CLICK, saleAmount: '12', status: 'rejected' },
  },
  {
    platform: 'CAKE classic',
    paramMap: { click_id: 'r', transaction_id: 't' },
    statusMap: {},
    query: `r=${CLICK}&t=ORD77&price=5`,
    reports: { clickId: CLICK, transactionId: 'ORD77', saleAmount: '5' },
  },
  {
    platform: 'Trackier',
    paramMap: { event: 'goal_value' },
    statusMap: {},
    query: `click_id=${CLICK}&security_token=t0&sale_amount=99.9&txn_id=T5&goal_value=Deposit&revenue=9&currency=usd&status=canceled&sub1=a&sub3=c`,
    reports: {
      clickId: CLICK,
      transactionId: 'T5',
      event: 'deposit',
      saleAmount: '99.9',
      revenue: '9',
      currency: 'USD',
      status: 'rejected',
      subs: ['a', null, 'c'],
      params: { security_token: 't0' },
    },
  },
  {
    platform: 'Scaleo',
    paramMap: { event: 'goal_alias' },
    statusMap: { trial: 'pending' },
    query: '',
    body: {
      contentType: 'application/x-www-form-urlencoded',
      text: `click_id=${CLICK}&transaction_id=S-9&goal_alias=trial_start&conv_status=Trial`,
    },
    reports: { clickId: CLICK, transactionId: 'S-9', event: 'trial_start', status: 'pending' },
  },
  {
    platform: 'Offer18',
    paramMap: { transaction_id: 'adv_sub1' },
    statusMap: {},
    query: `mid=000&tid=${CLICK}&event=purchase&sale=20&adv_sub1=O-3`,
    reports: {
      clickId: CLICK,
      transactionId: 'O-3',
      event: 'purchase',
      saleAmount: '20',
      params: { mid: '000' },
    },
  },
  {
    platform: 'LinkTrust, whose CID is a campaign',
    paramMap: {
      click_id: 'ClickID',
      transaction_id: 'MerchantReferenceID',
      offer_id: 'CID',
      affiliate_id: 'AFID',
    },
    statusMap: {},
    query: 'CID=4711&AFID=88&MerchantReferenceID=M1&color=blue',
    reports: {
      clickId: null,
      transactionId: 'M1',
      offerId: '4711',
      affiliateId: '88',
      params: { color: 'blue' },
    },
  },
  {
    platform: 'AlterCPA',
    paramMap: { transaction_id: 'exto' },
    statusMap: {},
    query: `click=${CLICK}&exto=555&status=trash`,
    reports: { clickId: CLICK, transactionId: '555', status: 'rejected' },
  },
  {
    platform: 'Keitaro as sender',
    paramMap: {},
    statusMap: {},
    query: `subid=${CLICK}&tid=K1&status=lead&payout=3`,
    reports: { clickId: CLICK, transactionId: 'K1', status: 'pending', payout: '3' },
  },
  {
    platform: 'Taboola',
    paramMap: { event: 'name' },
    statusMap: {},
    query: `click-id=${CLICK}&name=Purchase&revenue=12.5&currency=EUR&orderid=7`,
    reports: { clickId: CLICK, transactionId: '7', event: 'purchase', revenue: '12.5', currency: 'EUR' },
  },
  {
    platform: 'a shop that posts nested JSON',
    paramMap: {
      click_id: 'tracking.ref',
      transaction_id: 'order.id',
      sale_amount: 'order.total.value',
      currency: 'order.total.currency',
      occurred_at: 'order.paid_at',
    },
    statusMap: { storno: 'rejected' },
    query: '',
    body: {
      contentType: 'application/json',
      text: `{"tracking":{"ref":"${CLICK}"},"order":{"id":90071992547409931234,"total":{"value":12.10,"currency":"eur"},"paid_at":"2024-05-01T10:00:00+02:00","new_customer":true},"status":"Storno"}`,
    },
    reports: {
      clickId: CLICK,
      transactionId: '90071992547409931234',
      saleAmount: '12.1',
      currency: 'EUR',
      status: 'rejected',
      occurredAt: new Date('2024-05-01T08:00:00Z'),
      params: { 'order.new_customer': 'true' },
    },
  },
]

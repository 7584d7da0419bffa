import type { InboundCall, Report } from '../../src/intake/report.ts'
import { newUuid, type Uuid } from '../../src/kit/ids.ts'

/** A report that says only what a test cares about. */
export const reportOf = (said: Partial<Report>): Report => ({
  clickId: null,
  transactionId: null,
  affiliateClickId: null,
  event: null,
  status: null,
  saleAmount: null,
  payout: null,
  revenue: null,
  currency: null,
  occurredAt: null,
  subs: [],
  affiliateId: null,
  offerId: null,
  params: {},
  notes: [],
  ...said,
})

/** The call that brought it. */
export const callOf = (advertiserId: Uuid): InboundCall & { advertiserId: Uuid } => ({
  id: newUuid(Date.now()),
  source: 'postback',
  advertiserId,
  remoteIp: '127.0.0.1',
  reprocessedFrom: null,
  raw: { method: 'GET', url: '/postback/***', headers: {}, body: null, truncated: false },
})

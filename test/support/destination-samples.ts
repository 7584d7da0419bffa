import type { DestinationDefinition } from '../../src/catalogue/catalogue.ts'
import type { DeliveryFacts } from '../../src/deliveries/facts.ts'
import type { RenderInput } from '../../src/destinations/render.ts'
import { createSecretBox } from '../../src/kit/secret-box.ts'

export const sampleBox = createSecretBox('a key for tests that is long enough')

export const sampleDefinition = (overrides: Partial<DestinationDefinition> = {}): DestinationDefinition => ({
  name: null,
  preset: null,
  method: 'GET',
  url: 'https://tracker.example/postback?cid={affiliate_click_id}&payout={payout}',
  url_by_status: {},
  headers: {},
  body: null,
  content_type: null,
  secrets: {},
  events: [],
  statuses: ['approved'],
  changes: ['status'],
  offer_ids: [],
  fallback: false,
  delay_seconds: 0,
  success: null,
  retry: null,
  signing_secret: null,
  ...overrides,
})

export const sampleFacts = (overrides: Partial<DeliveryFacts> = {}): DeliveryFacts => ({
  deliveryId: '01890a5d-ac96-774b-bcce-b302099a8057',
  conversionId: '01890a5d-ac96-774b-bcce-b302099a8058',
  revision: 1,
  event: 'sale',
  status: 'approved',
  previousStatus: null,
  payout: '12.5',
  currency: 'USD',
  saleAmount: '99.9',
  payoutDueBefore: null,
  affiliateClickId: 'wABCDEF123',
  clickId: 'clk-1',
  transactionId: 'order-7',
  subs: ['s one', null, 'three'],
  occurredAt: new Date('2026-03-01T23:30:05.678Z'),
  clickedAt: new Date('2026-03-01T22:00:00Z'),
  country: 'DE',
  ip: '203.0.113.7',
  userAgent: 'Mozilla/5.0 (X11)',
  params: { coupon: 'SPRING', email: 'a@example.com' },
  clickParams: { fbclid: 'fb.1' },
  offerId: '01890a5d-ac96-774b-bcce-b302099a8059',
  affiliateId: '01890a5d-ac96-774b-bcce-b302099a805a',
  test: false,
  ...overrides,
})

export type SampleInput = {
  definition?: Partial<DestinationDefinition>
  facts?: Partial<DeliveryFacts>
  shared?: string[]
}

export const sampleInput = ({ definition, facts, shared }: SampleInput = {}): RenderInput => ({
  facts: sampleFacts(facts),
  destination: { definition: sampleDefinition(definition) },
  offer: { name: 'Zürich & Co', shared: shared ?? ['sale_amount'] },
  catalogue: { partnerId: (noun) => `${noun}-1` },
  secrets: sampleBox,
  version: '1.2.3',
  now: new Date('2026-03-02T00:00:00Z'),
})

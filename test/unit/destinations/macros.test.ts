import { describe, expect, test } from 'vitest'
import type { DeliveryFacts } from '../../../src/deliveries/facts.ts'
import { renderDelivery } from '../../../src/destinations/render.ts'
import { RenderError } from '../../../src/destinations/render-error.ts'
import { sampleInput } from '../../support/destination-samples.ts'

/** What one template renders to as the value of a query parameter, decoded. */
function render(template: string, facts: Partial<DeliveryFacts> = {}, shared?: string[]): string {
  const url = `https://tracker.example/p?v=${template}`
  const input = sampleInput({ definition: { url }, facts, ...(shared !== undefined && { shared }) })
  return decodeURIComponent(renderDelivery(input).request.url.slice('https://tracker.example/p?v='.length))
}

describe('each macro renders its fact', () => {
  test.each([
    ['{affiliate_click_id}', 'wABCDEF123'],
    ['{clickid}', 'wABCDEF123'],
    ['{click_id}', 'wABCDEF123'],
    ['{cid}', 'wABCDEF123'],
    ['{subid}', 'wABCDEF123'],
    ['{aff_click_id}', 'wABCDEF123'],
    ['{network_click_id}', 'clk-1'],
    ['{sub1}', 's one'],
    ['{sub2}', ''],
    ['{sub3}', 'three'],
    ['{sub10}', ''],
    ['{transaction_id}', 'order-7'],
    ['{conversion_id}', 'cnv_01h455vb4pex5vsknk084sn02r'],
    ['{delivery_id}', 'dlv_01h455vb4pex5vsknk084sn02q'],
    ['{revision}', '1'],
    ['{event}', 'sale'],
    ['{status}', 'approved'],
    ['{previous_status}', ''],
    ['{payout}', '12.50'],
    ['{currency}', 'USD'],
    ['{sale_amount}', '99.90'],
    ['{offer_id}', 'offer-1'],
    ['{affiliate_id}', 'affiliate-1'],
    ['{offer_name}', 'Zürich & Co'],
    ['{timestamp}', '1772407805'],
    ['{timestamp_ms}', '1772407805678'],
    ['{datetime}', '2026-03-01T23:30:05Z'],
    ['{date}', '2026-03-01'],
    ['{click_timestamp}', '1772402400'],
    ['{country}', 'DE'],
  ])('%s is %s', (template, expected) => {
    expect(render(template)).toBe(expected)
  })

  test('without a transaction id the conversion id stands for it', () => {
    expect(render('{transaction_id}', { transactionId: null })).toBe('cnv_01h455vb4pex5vsknk084sn02r')
  })

  test('payout is written with the minor digits of its currency', () => {
    expect(render('{payout}', { payout: '0.0035' })).toBe('0.0035')
    expect(render('{payout}', { payout: '5', currency: 'JPY' })).toBe('5')
    expect(render('{payout}', { payout: null })).toBe('')
  })

  test('spaces around the words of a map do not count', () => {
    expect(render('{status|map:approved=1, pending =2}', { status: 'pending' })).toBe('2')
  })

  test('payout_due is the payout where approved, else 0', () => {
    expect(render('{payout_due}')).toBe('12.50')
    expect(render('{payout_due}', { status: 'pending' })).toBe('0.00')
    expect(render('{payout_due}', { status: 'rejected' })).toBe('0.00')
    expect(render('{payout}', { status: 'rejected' })).toBe('12.50')
  })

  test('payout_delta is what is due now minus what was delivered here before', () => {
    expect(render('{payout_delta}')).toBe('12.50')
    expect(render('{payout_delta}', { payoutDueBefore: '10' })).toBe('2.50')
    expect(render('{payout_delta}', { status: 'rejected', payoutDueBefore: '12.5' })).toBe('-12.50')
    expect(render('{payout_delta|fixed:0}', { status: 'rejected', payoutDueBefore: '12.5' })).toBe('-13')
    expect(render('{payout_delta|fixed:2}', { payout: '1', payoutDueBefore: '1.001' })).toBe('0.00')
  })
})

describe('an affiliate sees only what the offer shares', () => {
  test.each([
    ['{ip}', ['ip'], '203.0.113.7'],
    ['{user_agent}', ['user_agent'], 'Mozilla/5.0 (X11)'],
    ['{param:coupon}', ['param:coupon'], 'SPRING'],
    ['{param:coupon}', ['coupon'], 'SPRING'],
    ['{click_param:fbclid}', ['click_param:fbclid'], 'fb.1'],
    ['{sale_amount}', ['sale_amount'], '99.90'],
  ])('%s renders only where shared names it', (template, shared, expected) => {
    expect(render(template, {}, shared)).toBe(expected)
    expect(render(template, {}, [])).toBe('')
    expect(render(template, {}, ['something_else'])).toBe('')
  })

  test('a shared name reads own parameters only, never inherited ones', () => {
    expect(render('{param:constructor}', {}, ['constructor'])).toBe('')
    expect(render('{param:__proto__}', {}, ['__proto__'])).toBe('')
  })
})

describe('filters', () => {
  test.each([
    ['{status|map:approved=1,pending=2,*=3}', { status: 'approved' as const }, '1'],
    ['{status|map:approved=1,pending=2,*=3}', { status: 'rejected' as const }, '3'],
    ['{status|map:pending=2}', {}, 'approved'],
    ['{status|map:approved=}', {}, ''],
    ['{payout|fixed:0}', {}, '13'],
    ['{payout|fixed:4}', {}, '12.5000'],
    ['{event|fixed:2}', {}, 'sale'],
    ['{affiliate_click_id|lower}', {}, 'wabcdef123'],
    ['{event|upper}', {}, 'SALE'],
    ['{sub2|default:none}', {}, 'none'],
    ['{sub1|default:none}', {}, 's one'],
    ['{event|sha256}', {}, '1f7101fe71011ba0872a2e069e8f26c98d6af9ebf8e67bb0c1a559fa9569aa6b'],
    ['{sub2|sha256}', {}, ''],
    ['{sub2|default:x|upper}', {}, 'X'],
    ['{timestamp|date:YYYY-MM-DD,Europe/Berlin}', {}, '2026-03-02'],
    ['{timestamp|date:DD.MM.YY HH:mm:ss.SSS}', {}, '01.03.26 23:30:05.678'],
    ['{datetime|date:HH:mm Z,America/New_York}', {}, '18:30 -05:00'],
    ['{click_timestamp|date:X}', {}, '1772402400'],
    ['{click_timestamp|date:YYYY|default:never}', { clickedAt: null }, 'never'],
  ])('%s', (template, facts, expected) => {
    expect(render(template, facts)).toBe(expected)
  })

  test('raw keeps what is encoded already and encodes everything else', () => {
    const rendered = (sub: string) =>
      renderDelivery(
        sampleInput({ definition: { url: 'https://t.example/p?v={sub1|raw}' }, facts: { subs: [sub] } }),
      ).request.url.slice('https://t.example/p?v='.length)
    expect(rendered('a%20b%2Fc')).toBe('a%20b%2Fc')
    expect(rendered('https://x.example/?a=b')).toBe('https://x.example/?a=b')
    expect(rendered('a&b')).toBe('a%26b')
    expect(rendered('50%')).toBe('50%25')
    expect(rendered('a+b')).toBe('a%2Bb')
    expect(rendered('a b')).toBe('a%20b')
    expect(rendered('a#b')).toBe('a%23b')
  })
})

describe('what is not known is never sent as a literal', () => {
  test.each([
    '{unknown}',
    '{Sub5}',
    '{sub11}',
    '{sub0}',
    '{revenue}',
    '{param}',
    '{param:}',
    '{secret:}',
    '{payout:2}',
    '{payout|unknown}',
    '{payout|fixed}',
    '{payout|fixed:99}',
    '{payout|lower:1}',
    '{status|map}',
    '{status|map:approved}',
    '{payout|date:YYYY}',
    '{timestamp|lower|date:YYYY}',
    '{timestamp|date:YYYY,Mars/Base}',
    '{timestamp|date:,UTC}',
    '{constructor}',
    '{payout|constructor}',
    '{}',
    '{ payout }',
    '{payout',
    'payout}',
    '{signature|lower}',
    '{secret:NONE}',
  ])('%s is refused', (template) => {
    const input = sampleInput({ definition: { url: `https://tracker.example/p?v=${template}` } })
    expect(() => renderDelivery(input)).toThrow(RenderError)
  })
})

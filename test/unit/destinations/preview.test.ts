import { expect, test } from 'vitest'
import { previewDelivery } from '../../../src/destinations/preview.ts'
import { sampleBox, sampleInput } from '../../support/destination-samples.ts'

test('a preview says of each value where it came from, and shows no secret', () => {
  const preview = previewDelivery(
    sampleInput({
      definition: {
        method: 'POST',
        url: 'https://t.shop.com/{event}/p?cid={cid}&fix=1&s=a-{sub1|raw}-{sub2}&k={secret:KEY}',
        headers: { 'X-Status': '{status|map:approved=1}' },
        body: '{"payout":{payout},"text":"paid {currency}"}',
        secrets: { KEY: sampleBox.seal('hidden') },
      },
    }),
  )
  expect(preview.parts).toEqual([
    { parameter: 'path', template: '/{event}/p', value: '/sale/p', source: 'conversion.event' },
    { parameter: 'cid', template: '{cid}', value: 'wABCDEF123', source: 'click.affiliate_click_id' },
    { parameter: 'fix', template: '1', value: '1', source: 'template' },
    {
      parameter: 's',
      template: 'a-{sub1|raw}-{sub2}',
      value: 'a-s one-',
      source: 'click.sub1, click.sub2',
    },
    { parameter: 'k', template: '{secret:KEY}', value: '{secret:KEY}', source: 'secret KEY' },
    {
      parameter: 'header X-Status',
      template: '{status|map:approved=1}',
      value: '1',
      source: 'conversion.status',
    },
    { parameter: 'body payout', template: '{payout}', value: '12.50', source: 'conversion.payout' },
    { parameter: 'body', template: '{currency}', value: 'USD', source: 'conversion.currency' },
  ])
  expect(preview.findings.map(({ code }) => code)).toEqual(['empty_value'])
  expect(JSON.stringify(preview)).not.toContain('hidden')
  expect(preview.url).toContain('k={secret:KEY}')
})

test('a preview tells which macros the offer does not share', () => {
  const preview = previewDelivery(
    sampleInput({
      definition: { url: 'https://t.shop.com/p?cid={cid}&ip={ip}&a={sale_amount}' },
      shared: [],
    }),
  )
  expect(preview.findings.map(({ code, severity }) => [code, severity])).toEqual([
    ['not_shared', 'warning'],
    ['not_shared', 'warning'],
  ])
})

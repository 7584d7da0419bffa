import { describe, expect, test } from 'vitest'
import { checkDefinition, type DestinationInput } from '../../../src/destinations/check-definition.ts'
import { renderDelivery } from '../../../src/destinations/render.ts'
import { RenderError } from '../../../src/destinations/render-error.ts'
import { sampleBox, sampleDefinition, sampleInput } from '../../support/destination-samples.ts'

const url = 'https://t.shop.com/p?c={cid}'
const check = (input: Partial<DestinationInput>, options = {}) =>
  checkDefinition({ url, ...input }, { allowCidrs: [], ...options })

async function codes(input: Partial<DestinationInput>, options = {}): Promise<string[]> {
  const { findings } = await check(input, options)
  return findings.map(({ code, severity }) => `${severity} ${code}`)
}

describe('what is stored', () => {
  test('has every field, with the defaults of the contract', async () => {
    const { definition, findings } = await check({})
    expect(findings).toEqual([])
    expect(definition).toEqual(sampleDefinition({ url }))
  })

  test('is translated, and keeps the URL as it was given', async () => {
    const { definition } = await check({
      method: 'POST',
      url: 'https://t.shop.com/p?c=#s2#',
      url_by_status: { rejected: 'https://t.shop.com/r?clickid=#s2#' },
      headers: { 'X-Sub': '{{sub1}}' },
      body: '{"p":"[=AffiliateCommission=]"}',
    })
    expect(definition).toMatchObject({
      url: 'https://t.shop.com/p?c={sub2}',
      url_as_given: 'https://t.shop.com/p?c=#s2#',
      url_by_status: { rejected: 'https://t.shop.com/r?clickid={affiliate_click_id}' },
      headers: { 'X-Sub': '{sub1}' },
      body: '{"p":"{payout}"}',
    })
  })

  test('keeps the given URL when a stored definition is checked again', async () => {
    const { definition } = await check({ url: 'https://t.shop.com/p?c=#s2#' })
    const again = await checkDefinition({ ...definition, name: 'new' }, { allowCidrs: [] })
    expect(again.definition.url_as_given).toBe('https://t.shop.com/p?c=#s2#')
  })

  test('leaves JSON alone that only looks like macros', async () => {
    const body = '{"a": {"b": [1, 2], "c": {}}, "d": "{cid}", "e": "#1 [x] 5%"}'
    const { definition, findings } = await check({ method: 'POST', body })
    expect(definition.body).toBe(body)
    expect(findings).toEqual([])
  })
})

describe('what can not work is an error', () => {
  test.each<[string, Partial<DestinationInput>, string]>([
    ['no URL', { url: '' }, 'url_missing'],
    ['no address', { url: 'https://' }, 'bad_url'],
    [
      'an unknown macro in the URL of a status',
      { url_by_status: { rejected: `${url}{x}` } },
      'unknown_macro',
    ],
    ['an unknown macro in a header', { headers: { 'x-a': '{nope}' } }, 'unknown_macro'],
    ['an unknown macro in a body', { method: 'POST', body: 'a={nope}' }, 'unknown_macro'],
    ['an unknown filter in a body', { method: 'POST', body: 'a={cid|nope}' }, 'unknown_filter'],
    ['raw in a body', { method: 'POST', body: 'a={cid|raw}' }, 'raw_outside_url'],
    ['a body that is no JSON', { method: 'POST', body: '{"a": {cid}{cid}}' }, 'body_not_json'],
    ['a header name with a space', { headers: { 'x a': '1' } }, 'header_name'],
    ['a header name with a line break', { headers: { 'x\r\na': '1' } }, 'header_name'],
    ['a header that is ours', { headers: { Host: 'x' } }, 'header_name'],
    ['a header twice', { headers: { 'X-A': '1', 'x-a': '2' } }, 'header_name'],
    ['a header value with a line break', { headers: { 'x-a': 'a\r\nb: c' } }, 'header_value'],
    ['a secret that is not there', { headers: { 'x-a': '{secret:KEY}' } }, 'secret_missing'],
    ['a secret with an odd name', { secrets: { 'a b': 'x' } }, 'secret_name'],
    ['a signature without a secret', { url: `${url}&s={signature}` }, 'signing_secret_missing'],
    ['a body with GET', { body: 'a' }, 'body_needs_post'],
    ['a content type without a body', { content_type: 'text/plain' }, 'content_type_without_body'],
    ['an odd content type', { method: 'POST', body: 'a', content_type: 'json\r\n' }, 'content_type'],
    ['an unknown preset', { preset: 'nope' }, 'unknown_preset'],
    ['no status', { statuses: [] }, 'statuses'],
    ['an empty event', { events: [' '] }, 'events'],
    ['a delay below 0', { delay_seconds: -1 }, 'delay_seconds'],
    ['a delay over 30 days', { delay_seconds: 2_592_001 }, 'delay_seconds'],
    ['a broken delay', { delay_seconds: 1.5 }, 'delay_seconds'],
    ['a schedule of no durations', { retry: { schedule: ['soon'] } }, 'retry_schedule'],
    ['a schedule in one entry', { retry: { schedule: ['5s,10s'] } }, 'retry_schedule'],
    ['an empty entry', { retry: { schedule: [''] } }, 'retry_schedule'],
    ['a wait over 7 days', { retry: { schedule: ['169h'] } }, 'retry_schedule'],
    ['51 retries', { retry: { schedule: Array(51).fill('1s') } }, 'retry_schedule'],
    ['a rate of nothing', { rate_limit: { per_second: 0 } }, 'rate_limit'],
    ['a rate below 0', { rate_limit: { per_second: -5 } }, 'rate_limit'],
    ['a rate below one call in 50 seconds', { rate_limit: { per_second: 0.019 } }, 'rate_limit'],
    ['a rate of one and a half calls', { rate_limit: { per_second: 1.5 } }, 'rate_limit'],
    ['a rate over 2,000', { rate_limit: { per_second: 2001 } }, 'rate_limit'],
    ['no call at a time', { concurrency: 0 }, 'concurrency'],
    ['a call and a half at a time', { concurrency: 1.5 }, 'concurrency'],
    ['over 100 calls at a time', { concurrency: 101 }, 'concurrency'],
    ['a status that is none', { success: { statuses: [99] } }, 'success'],
    ['no success status', { success: { statuses: [] } }, 'success'],
    ['an empty text', { success: { body_contains: '' } }, 'success'],
    ['a path that is no path', { success: { json: { path: 'a[0]', equals: 1 } } }, 'success'],
  ])('%s', async (_, input, code) => {
    expect(await codes(input)).toContain(`error ${code}`)
  })

  test('and nothing with an error renders', async () => {
    for (const broken of [{ url: `${url}{x}` }, { headers: { 'x-a': '{nope}' } }, { url: 'https://{cid}/' }])
      expect(() => renderDelivery(sampleInput({ definition: broken }))).toThrow(RenderError)
  })

  test('the same finding is told once, although two URLs have it', async () => {
    const given = await codes({ url: `${url}&x={nope}`, url_by_status: { pending: `${url}&x={nope}` } })
    expect(given).toEqual(['error unknown_macro'])
  })
})

describe('what can work is stored', () => {
  test.each<[string, Partial<DestinationInput>]>([
    ['30 days of delay', { delay_seconds: 2_592_000 }],
    ['one call in five seconds', { rate_limit: { per_second: 0.2 } }],
    ['2,000 calls a second, 100 at a time', { rate_limit: { per_second: 2000 }, concurrency: 100 }],
    ['no limits, said so', { rate_limit: null, concurrency: null }],
    ['no retries', { retry: { schedule: [] } }],
    ['a schedule', { retry: { schedule: ['500ms', '5s', '1h', '168h'] } }],
    [
      'a full success rule',
      {
        success: {
          statuses: [200, 302],
          body_contains: 'OK',
          body_not_contains: '.*',
          json: { path: 'data.0.code', equals: 0 },
        },
      },
    ],
    [
      'a signed POST',
      { method: 'POST', body: '{"c":"{cid}"}', url: 'https://t.shop.com/p', signing_secret: 'sealed' },
    ],
    [
      'a content type with a parameter',
      { method: 'POST', body: 'x', content_type: 'text/plain; charset=utf-8' },
    ],
  ])('%s', async (_, input) => {
    expect(await codes(input)).toEqual([])
  })
})

describe('what may go wrong is a warning', () => {
  test('the same URL again for the same offers', async () => {
    const siblings = [{ archived: false, definition: sampleDefinition({ url }) }]
    expect(await codes({}, { siblings })).toEqual(['warning duplicate_destination'])
    expect(await codes({ events: ['sale'] }, { siblings })).toEqual(['warning duplicate_destination'])
    const other = [{ archived: false, definition: sampleDefinition({ url, events: ['lead'] }) }]
    expect(await codes({ events: ['sale'] }, { siblings: other })).toEqual([])
    expect(await codes({}, { siblings: [{ ...siblings[0], archived: true }] })).toEqual([])
  })

  test('rejected for a tracker that takes nothing back', async () => {
    const statuses = ['approved' as const, 'rejected' as const]
    const voluum = 'https://t.shop.com/postback?cid={cid}&txid={transaction_id}'
    expect(await codes({ url: voluum, statuses })).toEqual(['warning tracker_cannot_reverse'])
    expect(await codes({ url: voluum })).toEqual([])
    const redtrack =
      'https://t.shop.com/postback?clickid={cid}&status={status|map:rejected=declined}&rdtk_event_id={transaction_id}'
    expect(await codes({ url: redtrack, statuses })).toEqual(['warning reversal_needs_setting'])
    expect(await codes({ statuses })).toEqual([])
  })
})

describe('hosts are looked up on save', () => {
  const lookUp = (addresses: Record<string, string[]>) => async (hostname: string) => {
    const found = addresses[hostname]
    if (found === undefined) throw new Error('ENOTFOUND')
    return found
  }

  test('a name without an address is a warning', async () => {
    expect(await codes({}, { lookUp: lookUp({}) })).toEqual(['warning host_not_resolving'])
    expect(await codes({}, { lookUp: lookUp({ 't.shop.com': [] }) })).toEqual(['warning host_not_resolving'])
    expect(await codes({}, { lookUp: lookUp({ 't.shop.com': ['93.184.215.14'] }) })).toEqual([])
  })

  test('a name that leads inside is an error, if only with one of its addresses', async () => {
    const inside = lookUp({ 't.shop.com': ['93.184.215.14', '10.0.0.1'] })
    expect(await codes({}, { lookUp: inside })).toEqual(['error address_not_public'])
    expect(await codes({}, { lookUp: inside, allowCidrs: ['10.0.0.0/8'] })).toEqual([])
  })

  test('each host is asked for once, IP addresses never', async () => {
    const asked: string[] = []
    const counting = async (hostname: string) => {
      asked.push(hostname)
      return ['93.184.215.14']
    }
    await check(
      { url_by_status: { rejected: `${url}&r=1`, pending: 'https://9.9.9.9/?c={cid}' } },
      { lookUp: counting },
    )
    expect(asked).toEqual(['t.shop.com'])
  })

  test('a resolver that never answers holds no save', async () => {
    const start = performance.now()
    expect(await codes({}, { lookUp: () => new Promise(() => {}) })).toEqual(['warning host_not_resolving'])
    expect(performance.now() - start).toBeLessThan(10_000)
  })
})

test('secrets pass through sealed', async () => {
  const sealed = sampleBox.seal('x')
  const { definition } = await check({ secrets: { KEY: sealed }, headers: { 'x-k': '{secret:KEY}' } })
  expect(definition.secrets).toEqual({ KEY: sealed })
})

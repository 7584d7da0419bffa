import { createHmac } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { describe, expect, test } from 'vitest'
import { renderTask } from '../../../src/deliveries/render-row.ts'
import { compileDestination } from '../../../src/destinations/compile.ts'
import { renderDelivery } from '../../../src/destinations/render.ts'
import { RenderError } from '../../../src/destinations/render-error.ts'
import { rerenderOriginal } from '../../../src/destinations/rerender.ts'
import { createSecretBox } from '../../../src/kit/secret-box.ts'
import { sampleBox, sampleDefinition, sampleInput } from '../../support/destination-samples.ts'

describe('a rendered request', () => {
  test('is a GET with the version in its User-Agent', () => {
    expect(renderDelivery(sampleInput()).request).toEqual({
      method: 'GET',
      url: 'https://tracker.example/postback?cid=wABCDEF123&payout=12.50',
      headers: { 'user-agent': 'postback-relay/1.2.3' },
      body: null,
    })
  })

  test('takes the URL of its status where there is one', () => {
    const definition = { url_by_status: { rejected: 'https://tracker.example/reversal?cid={cid}' } }
    const urlFor = (status: 'approved' | 'rejected' | 'pending') =>
      renderDelivery(sampleInput({ definition, facts: { status } })).request.url
    expect(urlFor('rejected')).toBe('https://tracker.example/reversal?cid=wABCDEF123')
    expect(urlFor('pending')).toBe(urlFor('approved'))
  })

  test('percent-encodes literals of the template once, and leaves out the fragment', () => {
    const url = "https://TRACKER.example/a b/é?x=a'b&y=%20%zz|#frag"
    expect(renderDelivery(sampleInput({ definition: { url } })).request.url).toBe(
      'https://tracker.example/a%20b/%C3%A9?x=a%27b&y=%20%25zz%7C',
    )
  })

  test('keeps a backslash after the host from choosing another host', () => {
    const url = 'https://tracker.example\\@other.example/p'
    expect(renderDelivery(sampleInput({ definition: { url } })).request.url).toBe(
      'https://tracker.example/%5C@other.example/p',
    )
  })

  test('of more than 256 Ki characters is not made: a short template could fill the memory with a long value', () => {
    const definition = { method: 'POST', body: '{cid}'.repeat(1000) } as const
    const of = (length: number) =>
      sampleInput({ definition, facts: { affiliateClickId: 'x'.repeat(length) } })
    expect(renderDelivery(of(200)).request.body).toHaveLength(200_000)
    expect(() => renderDelivery(of(500))).toThrow(RenderError)
  })

  test.each([
    ['{"a":"{cid}"}', 'application/json'],
    [' [1]', 'application/json'],
    ['a={cid}', 'application/x-www-form-urlencoded'],
    ['{cid}', 'application/x-www-form-urlencoded'],
  ])('a body %s goes out as %s', (body, contentType) => {
    const { request } = renderDelivery(sampleInput({ definition: { method: 'POST', body } }))
    expect(request.headers['content-type']).toBe(contentType)
  })

  test('content_type comes before a Content-Type header', () => {
    const headers = { 'Content-Type': 'text/plain' }
    const typeOf = (content_type: string | null) =>
      renderDelivery(
        sampleInput({ definition: { method: 'POST', body: '<a>{sub1}</a>', headers, content_type } }),
      ).request.headers['content-type']
    expect(typeOf(null)).toBe('text/plain')
    expect(typeOf('application/xml')).toBe('application/xml')
  })

  test.each([
    'text/json',
    'application/x-json',
    'application/json5',
    'application/vnd.api+json; charset=utf-8',
  ])('values in a body of the type %s can not leave their string', (content_type) => {
    const definition = { method: 'POST' as const, body: '{"cid":"{affiliate_click_id}"}', content_type }
    const affiliateClickId = 'a","payout":"999'
    const { request } = renderDelivery(sampleInput({ definition, facts: { affiliateClickId } }))
    expect(JSON.parse(request.body ?? '')).toEqual({ cid: affiliateClickId })
  })

  test('a header beyond ASCII travels as UTF-8 bytes and is recorded as text', () => {
    const rendered = renderDelivery(sampleInput({ definition: { headers: { 'X-Offer': '{offer_name}' } } }))
    expect(Buffer.from(rendered.request.headers['x-offer'] ?? '', 'latin1').toString('utf8')).toBe(
      'Zürich & Co',
    )
    expect(rendered.recorded.headers['x-offer']).toBe('Zürich & Co')
  })
})

describe('secrets', () => {
  const definition = {
    method: 'POST' as const,
    url: 'https://t.example/{secret:KEY}/p?k={secret:KEY}&h={secret:KEY|sha256}',
    headers: { Authorization: 'Bearer {secret:KEY}' },
    body: '{"k":"{secret:KEY}","s":"{sub1}"}',
    secrets: { KEY: sampleBox.seal('top "secret" &') },
  }

  test('are expanded in what is sent and named in what is recorded', () => {
    const { request, recorded } = renderDelivery(sampleInput({ definition }))
    expect(request.url).toContain('/top%20%22secret%22%20%26/p?k=top%20%22secret%22%20%26&h=')
    expect(request.headers.authorization).toBe('Bearer top "secret" &')
    expect(JSON.parse(request.body ?? '').k).toBe('top "secret" &')
    expect(JSON.stringify(recorded)).not.toContain('top')
    expect(recorded.url).toBe(definition.url)
    expect(recorded.headers.authorization).toBe('Bearer {secret:KEY}')
  })

  test('are expanded again, at their newest, when the original is sent again', () => {
    const { recorded } = renderDelivery(sampleInput({ definition }))
    const rotated = { ...definition, secrets: { KEY: sampleBox.seal('new') }, url: 'https://other.example/' }
    const request = rerenderOriginal(recorded, sampleInput({ definition: rotated }))
    expect(request.url).toContain('https://t.example/new/p?k=new&h=')
    expect(request.headers.authorization).toBe('Bearer new')
    expect(request.body).toBe('{"k":"new","s":"s one"}')
  })

  test('of a value that only looks like one are never expanded', () => {
    const facts = { subs: ['{secret:KEY}'] }
    const { request, recorded } = renderDelivery(sampleInput({ definition, facts }))
    expect(JSON.parse(request.body ?? '').s).toBe('{secret:KEY}')
    const again = rerenderOriginal(recorded, sampleInput({ definition, facts }))
    expect(JSON.parse(again.body ?? '').s).toBe('{secret:KEY}')
    const inHeader = { headers: { 'X-Sub': '{sub1}' } }
    expect(() => renderDelivery(sampleInput({ definition: inHeader, facts }))).toThrow(RenderError)
  })

  test('that were sealed with another key fail with a sentence, not with a stack', () => {
    const other = { ...sampleInput({ definition }), secrets: createSecretBox('another key') }
    expect(() => renderDelivery(other)).toThrow('SECRETS_KEY has changed')
  })
})

describe('signatures', () => {
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'

  test.each([secret, 'plain text secret'])(
    'a POST verifies with an independent Standard Webhooks library',
    (text) => {
      const definition = {
        method: 'POST' as const,
        body: '{"cid":"{cid}","o":"{offer_name}"}',
        signing_secret: sampleBox.seal(text),
      }
      const input = { ...sampleInput({ definition }), now: new Date() }
      const { request, recorded } = renderDelivery(input)
      const webhook = new Webhook(text, text === secret ? {} : { format: 'raw' })
      expect(webhook.verify(request.body ?? '', request.headers)).toEqual({
        cid: 'wABCDEF123',
        o: 'Zürich & Co',
      })
      expect(() => webhook.verify(`${request.body} `, request.headers)).toThrow()
      expect(request.headers['webhook-id']).toBe('dlv_01h455vb4pex5vsknk084sn02q')
      expect(recorded.headers['webhook-signature']).toBe('{signature}')
      const again = rerenderOriginal(recorded, { ...input, now: new Date(Date.now() + 60_000) })
      expect(again.headers['webhook-timestamp']).not.toBe(request.headers['webhook-timestamp'])
      expect(webhook.verify(again.body ?? '', again.headers)).toBeTruthy()
    },
  )

  test('of an original that is sent again is recorded with the time that it was made for', () => {
    const definition = { method: 'POST' as const, body: '{}' }
    const unsigned = renderDelivery(sampleInput({ definition })).recorded
    const input = {
      ...sampleInput({ definition: { ...definition, signing_secret: sampleBox.seal(secret) } }),
      now: new Date(),
    }
    const first = renderTask(input, { ...input, original: unsigned })
    const again = renderTask({ ...input, now: new Date(0) }, { ...input, original: first.recorded })
    for (const { request, recorded } of [first, again])
      expect(recorded.headers).toEqual({ ...request.headers, 'webhook-signature': '{signature}' })
  })

  test.each([
    ['https://t.example/p?a={sub1}&sig={signature}&b=2', 'https://t.example/p?a=s%20one&b=2'],
    ['https://t.example/p?sig={signature}&b=2', 'https://t.example/p?b=2'],
    ['https://t.example/p?b=2&sig={signature}', 'https://t.example/p?b=2'],
    ['https://t.example/p?sig={signature}', 'https://t.example/p'],
  ])('%s is signed as %s', (url, signed) => {
    const definition = { url, signing_secret: sampleBox.seal('k') }
    const { request, recorded } = renderDelivery(sampleInput({ definition }))
    const hmac = createHmac('sha256', 'k').update(signed).digest('hex')
    expect(request.url).toBe(url.replace('{sub1}', 's%20one').replace('{signature}', hmac))
    expect(recorded.url).toContain('sig={signature}')
    expect(rerenderOriginal(recorded, sampleInput({ definition })).url).toBe(request.url)
  })

  test.each([
    { url: 'https://t.example/p?sig={signature}' },
    { url: 'https://t.example/{signature}', signing_secret: sampleBox.seal('k') },
    { url: 'https://t.example/p?sig=v1-{signature}', signing_secret: sampleBox.seal('k') },
    { url: 'https://t.example/p?a={signature}&b={signature}', signing_secret: sampleBox.seal('k') },
    {
      url: 'https://t.example/p?a={signature}',
      method: 'POST' as const,
      signing_secret: sampleBox.seal('k'),
    },
    { headers: { 'x-sig': '{signature}' }, signing_secret: sampleBox.seal('k') },
  ])('a signature that can not be made is refused: $url', (definition) => {
    expect(() => renderDelivery(sampleInput({ definition }))).toThrow(RenderError)
  })
})

describe("the tracker's click-id parameter", () => {
  test.each([
    ['https://t.example/postback?cid={cid}&payout={payout}', 'affiliate_click_id'],
    ['https://t.example/postback?cid={sub3}', 'sub3'],
    ['https://t.example/postback?cid={network_click_id}&x={cid}', 'network_click_id'],
    ['https://t.example/other?x={sub1}&y={clickid}', 'affiliate_click_id'],
    ['https://t.example/other?x={sub1}', null],
    ['https://t.example/other?x=a-{clickid}', null],
  ])('in %s is %s', (url, macro) => {
    expect(compileDestination(sampleDefinition({ url })).clickIdMacro).toBe(macro)
  })

  test('is found in a JSON or form body', () => {
    const macroIn = (body: string) =>
      compileDestination(sampleDefinition({ url: 'https://t.example/p', method: 'POST', body })).clickIdMacro
    expect(macroIn('{"a":1,"click":"{click_id}"}')).toBe('affiliate_click_id')
    expect(macroIn('a=1&click={click_id}')).toBe('affiliate_click_id')
    expect(macroIn('a=1&click=x{click_id}')).toBeNull()
  })

  test('is empty where the click has none, unless a default stands in', () => {
    const facts = { status: 'approved' as const, clickId: 'n', affiliateClickId: null, subs: [] }
    const missing = (url: string) => compileDestination(sampleDefinition({ url })).clickIdIsEmpty(facts)
    expect(missing('https://t.example/postback?cid={cid}')).toBe(true)
    expect(missing('https://t.example/postback?cid={sub3}')).toBe(true)
    expect(missing('https://t.example/postback?cid={network_click_id}')).toBe(false)
    expect(missing('https://t.example/postback?cid={cid|default:organic}')).toBe(false)
    expect(missing('https://t.example/other?payout={payout}')).toBe(false)
  })

  test('is looked for in the URL of the status', () => {
    const definition = sampleDefinition({ url_by_status: { rejected: 'https://t.example/r?x=1' } })
    const compiled = compileDestination(definition)
    const facts = { clickId: null, affiliateClickId: null, subs: [] }
    expect(compiled.clickIdIsEmpty({ ...facts, status: 'approved' })).toBe(true)
    expect(compiled.clickIdIsEmpty({ ...facts, status: 'rejected' })).toBe(false)
  })
})

describe('a compiled destination', () => {
  test('says which costly facts it needs', () => {
    const compiled = compileDestination(
      sampleDefinition({ url: 'https://t.example/p?d={payout_delta}&k={secret:K}', secrets: { K: 'x' } }),
    )
    expect([compiled.usesPayoutDelta, compiled.usesSecrets]).toEqual([true, true])
    const plain = compileDestination(sampleDefinition())
    expect([plain.usesPayoutDelta, plain.usesSecrets]).toEqual([false, false])
  })

  test('is made once per version', () => {
    const definition = sampleDefinition()
    expect(compileDestination(definition)).toBe(compileDestination(definition))
  })
})

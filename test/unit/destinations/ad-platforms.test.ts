import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { DestinationDefinition } from '../../../src/catalogue/catalogue.ts'
import type { DeliveryFacts } from '../../../src/deliveries/facts.ts'
import { hashUserData } from '../../../src/destinations/ad-platforms/user-data.ts'
import { checkDefinition } from '../../../src/destinations/check-definition.ts'
import { compileDestination } from '../../../src/destinations/compile.ts'
import { isTooOld } from '../../../src/destinations/event-time.ts'
import { omitEmpty } from '../../../src/destinations/omit-empty.ts'
import { previewDelivery } from '../../../src/destinations/preview.ts'
import { renderDelivery } from '../../../src/destinations/render.ts'
import { RenderError } from '../../../src/destinations/render-error.ts'
import { rerenderOriginal } from '../../../src/destinations/rerender.ts'
import { uuidTimeMs } from '../../../src/kit/ids.ts'
import { sampleBox, sampleFacts, sampleInput } from '../../support/destination-samples.ts'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

const URLS = {
  meta_capi: 'https://graph.facebook.com/v23.0/1234567890/events?access_token={secret:ACCESS_TOKEN}',
  tiktok_events: 'https://business-api.tiktok.com/open_api/v1.3/event/track/',
  ga4: 'https://www.google-analytics.com/mp/collect?measurement_id=G-TEST&api_secret={secret:API_SECRET}',
}
type Platform = keyof typeof URLS

async function saved(preset: Platform, own: Partial<DestinationDefinition> = {}) {
  const secrets = Object.fromEntries(
    ['ACCESS_TOKEN', 'PIXEL_CODE', 'API_SECRET'].map((name) => [name, sampleBox.seal(`value of ${name}`)]),
  )
  const asked = { preset, url: URLS[preset], secrets, ...own }
  const { definition, findings } = await checkDefinition(asked, { allowCidrs: [] })
  expect(findings.filter(({ severity }) => severity === 'error')).toEqual([])
  return definition
}

type Case = { facts?: Partial<DeliveryFacts>; shared?: string[]; own?: Partial<DestinationDefinition> }

async function inputOf(preset: Platform, { facts, shared, own }: Case = {}) {
  return sampleInput({
    definition: await saved(preset, own),
    ...(facts !== undefined && { facts }),
    ...(shared !== undefined && { shared }),
  })
}

async function sent(preset: Platform, given: Case = {}) {
  const { request } = renderDelivery(await inputOf(preset, given))
  return { ...request, json: JSON.parse(request.body ?? '') }
}

const EVERYTHING = ['email', 'phone', 'fbclid', 'ttclid', 'gclid', 'ip', 'user_agent', 'client_id']
const PERSON = {
  params: { email: ' Anna@Example.COM ', phone: '+49 (0) 170-123 45 67' },
  clickParams: { fbclid: 'Fb1', ttclid: 'Tt1', gclid: 'G1', client_id: '11.22' },
}

describe('a destination that names an ad platform', () => {
  test('gets method, headers and body from its preset', async () => {
    const tiktok = await saved('tiktok_events')
    expect(tiktok.method).toBe('POST')
    expect(tiktok.headers).toEqual({ 'Access-Token': '{secret:ACCESS_TOKEN}' })
    expect(tiktok.body).toContain('"event_id":"{delivery_id}"')
  })

  test('keeps what it brings itself', async () => {
    const own = { body: '{"data":[]}', headers: { 'access-token': 'mine' } }
    const tiktok = await saved('tiktok_events', own)
    expect(tiktok).toMatchObject(own)
    expect(Object.keys(tiktok.headers)).toEqual(['access-token'])
  })

  test.each<[string, object, string]>([
    ['GET', { preset: 'ga4', method: 'GET' }, 'error method'],
    ['no body', { method: 'POST' }, 'error body_missing'],
    [
      'milliseconds',
      {
        url: URLS.meta_capi.replace('{secret:ACCESS_TOKEN}', 'x'),
        method: 'POST',
        body: '{"event_time":{timestamp_ms}}',
      },
      'warning event_time_in_ms',
    ],
  ])('is told of %s', async (_, own, finding) => {
    const { findings } = await checkDefinition({ url: URLS.tiktok_events, ...own }, { allowCidrs: [] })
    expect(findings.map(({ severity, code }) => `${severity} ${code}`)).toContain(finding)
  })
})

describe('Meta', () => {
  test('hears the event with seconds, our delivery id, and hashed user data', async () => {
    const { json, url } = await sent('meta_capi', { facts: PERSON, shared: EVERYTHING })
    expect(url).toBe(
      'https://graph.facebook.com/v23.0/1234567890/events?access_token=value%20of%20ACCESS_TOKEN',
    )
    expect(json).toEqual({
      data: [
        {
          event_name: 'Purchase',
          event_time: 1772407805,
          event_id: expect.stringMatching(/^dlv_/),
          action_source: 'website',
          user_data: {
            em: [sha256('anna@example.com')],
            ph: [sha256('491701234567')],
            external_id: [sha256('wABCDEF123')],
            fbc: 'fb.1.1772402400000.Fb1',
            client_ip_address: '203.0.113.7',
            client_user_agent: 'Mozilla/5.0 (X11)',
          },
          custom_data: { currency: 'USD', value: 12.5, order_id: 'order-7' },
        },
      ],
    })
  })

  test('hears nothing of a person that the offer does not share', async () => {
    const { json } = await sent('meta_capi', { facts: PERSON, shared: [] })
    expect(json.data[0].user_data).toEqual({ external_id: [sha256('wABCDEF123')] })
    const { findings } = previewDelivery(await inputOf('meta_capi', { facts: PERSON, shared: [] }))
    expect(findings.filter(({ code }) => code === 'not_shared').map(({ fix }) => fix)).toEqual(
      expect.arrayContaining([expect.stringContaining('add email'), expect.stringContaining('add fbclid')]),
    )
  })

  test('gets the same event id at every attempt', async () => {
    const first = await sent('meta_capi')
    const second = await sent('meta_capi')
    expect(second.json).toEqual(first.json)
  })
})

test('TikTok hears the event with its token in a header and a phone with its plus', async () => {
  const { json, headers } = await sent('tiktok_events', { facts: PERSON, shared: EVERYTHING })
  expect(headers['access-token']).toBe('value of ACCESS_TOKEN')
  expect(json).toMatchObject({ event_source: 'web', event_source_id: 'value of PIXEL_CODE' })
  expect(json.data[0]).toEqual({
    event: 'CompletePayment',
    event_time: 1772407805,
    event_id: expect.stringMatching(/^dlv_/),
    user: {
      ttclid: 'Tt1',
      email: sha256('anna@example.com'),
      phone: sha256('+491701234567'),
      external_id: sha256('wABCDEF123'),
      ip: '203.0.113.7',
      user_agent: 'Mozilla/5.0 (X11)',
    },
    properties: { currency: 'USD', value: 12.5 },
  })
})

describe('GA4', () => {
  test('hears the purchase with the client id of the click', async () => {
    const { json } = await sent('ga4', { facts: PERSON, shared: EVERYTHING })
    expect(json).toEqual({
      client_id: '11.22',
      timestamp_micros: '1772407805678000',
      events: [
        {
          name: 'purchase',
          params: {
            transaction_id: 'order-7',
            event_id: expect.stringMatching(/^dlv_/),
            currency: 'USD',
            value: 12.5,
            gclid: 'G1',
          },
        },
      ],
    })
  })

  test('takes the affiliate click id as client id where the click shares none', async () => {
    const { json } = await sent('ga4', { facts: PERSON, shared: [] })
    expect(json.client_id).toBe('wABCDEF123')
    await expect(sent('ga4', { facts: { affiliateClickId: null } })).rejects.toThrow(RenderError)
  })

  test('hears a rejection as a refund of now', async () => {
    const { json } = await sent('ga4', {
      facts: { status: 'rejected' },
      own: { statuses: ['approved', 'rejected'] },
    })
    expect(json.events[0].name).toBe('refund')
    expect(json.events[0].params.transaction_id).toBe('order-7')
    // When the id of the delivery was made.
    expect(json.timestamp_micros).toBe(`${uuidTimeMs(sampleFacts().deliveryId)}000`)
  })
})

describe('the age of an event', () => {
  const occurredAt = new Date('2026-03-01T00:00:00Z')
  const hours = (n: number): number => occurredAt.getTime() + n * 3_600_000

  test.each<[Platform, number | null]>([
    ['meta_capi', 7 * 24],
    ['ga4', 72],
    ['tiktok_events', null],
  ])('%s takes events up to %s hours', async (preset, max) => {
    const compiled = compileDestination(await saved(preset))
    const event = { status: 'approved' as const, occurredAt }
    expect(isTooOld(compiled, event, hours(max ?? 1e6))).toBe(false)
    expect(isTooOld(compiled, event, hours(max ?? 1e6) + 1)).toBe(max !== null)
  })

  test('a refund is as old as the rejection, not as the purchase', async () => {
    const { facts } = sampleInput({ facts: { status: 'rejected', occurredAt: new Date(0) } })
    const madeAt = uuidTimeMs(facts.deliveryId)
    const ga4 = compileDestination(await saved('ga4'))
    expect(isTooOld(ga4, facts, madeAt + 1000)).toBe(false)
    expect(isTooOld(ga4, facts, madeAt + 73 * 3_600_000)).toBe(true)
  })
})

describe('user data', () => {
  test.each([
    ['email', ' A@B.de', sha256('a@b.de')],
    ['phone', '0049 170 1', sha256('491701')],
    ['e164', '+49-170-1', sha256('+491701')],
    ['phone', 'none', ''],
    ['email', '  ', ''],
    ['email', sha256('a@b.de').toUpperCase(), sha256('a@b.de')],
  ] as const)('%s "%s" is normalised before it is hashed', (kind, text, hashed) => {
    expect(hashUserData(kind, text)).toBe(hashed)
  })
})

describe('empty members are left out', () => {
  const pruned = (value: unknown): unknown => {
    if (Array.isArray(value))
      return value.map(pruned).filter((one) => one !== undefined).length === 0
        ? undefined
        : value.map(pruned).filter((one) => one !== undefined)
    if (typeof value === 'object' && value !== null) {
      const members = Object.entries(value)
        .map(([k, v]) => [k, pruned(v)])
        .filter(([, v]) => v !== undefined)
      return members.length === 0 ? undefined : Object.fromEntries(members)
    }
    return value === '' || value === null ? undefined : value
  }

  test('of any JSON, and nothing else changes', () => {
    fc.assert(
      fc.property(fc.json({ noUnicodeString: false, maxDepth: 5 }), (json) => {
        expect(JSON.parse(omitEmpty(json))).toEqual(pruned(JSON.parse(json)) ?? {})
      }),
      { numRuns: 2000 },
    )
  })

  test('a value that looks like a secret stays disarmed, in the log and when sent again', async () => {
    const input = await inputOf('meta_capi', { facts: { transactionId: '{secret:ACCESS_TOKEN}' } })
    const { recorded } = renderDelivery(input)
    expect(recorded.url).toContain('{secret:ACCESS_TOKEN}')
    expect(recorded.body).not.toContain('{secret:')
    expect(rerenderOriginal(recorded, input).body).not.toContain('value of ACCESS_TOKEN')
  })
})

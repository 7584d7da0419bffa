import { validateHeaderName, validateHeaderValue } from 'node:http'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { DestinationDefinition } from '../../../src/catalogue/catalogue.ts'
import { type Rendered, renderDelivery } from '../../../src/destinations/render.ts'
import { RenderError } from '../../../src/destinations/render-error.ts'
import { rerenderOriginal } from '../../../src/destinations/rerender.ts'
import { sampleBox, sampleInput } from '../../support/destination-samples.ts'

const NASTY = ['&', '=', '#', '?', '/', '\\', '%', '%2', '%26', '+', '"', "'", '<', '{', '}', '{secret:KEY}']
const CONTROLS = ['\r\n', '\n', '\0', '\u2028', '\ud800', '..', '.', ' ', '\t', 'é', '😀', ',', ';', ':', '@']

/** Any text, with what ends a place somewhere written more often than chance would. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(...NASTY, ...CONTROLS),
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.string({ maxLength: 6 }),
    ),
    { maxLength: 8 },
  )
  .map((pieces) => pieces.join(''))

function renderOrRefuse(
  definition: Partial<DestinationDefinition>,
  values: { sub1: string; sub2: string },
): Rendered | null {
  try {
    return renderDelivery(sampleInput({ definition, facts: { subs: [values.sub1, values.sub2] } }))
  } catch (error) {
    if (error instanceof RenderError) return null
    throw error
  }
}

const pairs = { sub1: hostile, sub2: hostile }
const RUNS = { numRuns: 3000 }

describe('no value can break out of its place', () => {
  test('in a query: each parameter arrives as it is, host and path untouched', () => {
    fc.assert(
      fc.property(fc.record(pairs), (values) => {
        const url = 'https://t.example/a/b?x={sub1}&{sub2}=1&y=-{sub2}-#frag'
        const rendered = renderOrRefuse({ url }, values)
        const parsed = new URL(rendered?.request.url ?? '')
        expect(parsed.href).toBe(rendered?.request.url)
        expect(parsed.origin + parsed.pathname + parsed.hash).toBe('https://t.example/a/b')
        expect([...parsed.searchParams]).toEqual([
          ['x', values.sub1.toWellFormed()],
          [values.sub2.toWellFormed(), '1'],
          ['y', `-${values.sub2.toWellFormed()}-`],
        ])
      }),
      RUNS,
    )
  })

  test('in a query with raw: still one parameter, and nothing a client would rewrite', () => {
    fc.assert(
      fc.property(fc.record(pairs), (values) => {
        const url = 'https://t.example/a/{sub2|raw}/b?x={sub1|raw}&y=1'
        const rendered = renderOrRefuse({ url }, values)
        if (rendered === null) return
        const parsed = new URL(rendered.request.url)
        expect(parsed.href).toBe(rendered.request.url)
        expect(parsed.pathname.split('/')).toHaveLength(4)
        expect([...parsed.searchParams.keys()]).toEqual(['x', 'y'])
      }),
      RUNS,
    )
  })

  test('in a path: the number of segments stays, and "." and ".." are refused', () => {
    fc.assert(
      fc.property(fc.record(pairs), (values) => {
        const rendered = renderOrRefuse({ url: 'https://t.example/a/{sub1}/x{sub2}/b' }, values)
        if (rendered === null) {
          expect(['.', '..']).toContain(values.sub1)
          return
        }
        const parsed = new URL(rendered.request.url)
        expect(parsed.href).toBe(rendered.request.url)
        const segments = parsed.pathname.split('/').map(decodeURIComponent)
        expect(segments).toEqual(['', 'a', values.sub1.toWellFormed(), `x${values.sub2.toWellFormed()}`, 'b'])
      }),
      RUNS,
    )
  })

  test('in JSON: strings stay strings, a bare macro is one value, no key is added', () => {
    fc.assert(
      fc.property(fc.record(pairs), (values) => {
        const body = '{"a":"-{sub1}-","b":{sub2},"c":[{sub1},"{sub2}"]}'
        const rendered = renderOrRefuse({ method: 'POST', body }, values)
        const parsed = JSON.parse(rendered?.request.body ?? '')
        const one = values.sub1.toWellFormed()
        const two = values.sub2.toWellFormed()
        expect(Object.keys(parsed)).toEqual(['a', 'b', 'c'])
        expect(parsed.a).toBe(`-${one}-`)
        expect(String(parsed.b)).toBe(typeof parsed.b === 'number' ? String(Number(two)) : two)
        expect(parsed.c).toHaveLength(2)
        expect(parsed.c[1]).toBe(two)
      }),
      RUNS,
    )
  })

  test('in a form body: each field arrives as it is', () => {
    fc.assert(
      fc.property(fc.record(pairs), (values) => {
        const rendered = renderOrRefuse({ method: 'POST', body: 'a={sub1}&{sub2}=b' }, values)
        expect([...new URLSearchParams(rendered?.request.body ?? '')]).toEqual([
          ['a', values.sub1.toWellFormed()],
          [values.sub2.toWellFormed(), 'b'],
        ])
        expect(rendered?.request.headers['content-type']).toBe('application/x-www-form-urlencoded')
      }),
      RUNS,
    )
  })

  test('in a header: refused or exactly one line', () => {
    fc.assert(
      fc.property(fc.record(pairs), (values) => {
        const rendered = renderOrRefuse({ headers: { 'X-One': 'v {sub1}', 'X-Two': '{sub2}' } }, values)
        const breaks = [...(values.sub1 + values.sub2)].some((char) => char < ' ' && char !== '\t')
        if (breaks) expect(rendered).toBeNull()
        for (const [name, text] of Object.entries(rendered?.request.headers ?? {})) {
          validateHeaderName(name)
          validateHeaderValue(name, text)
        }
        if (rendered === null) return
        const bytes = Buffer.from(rendered.request.headers['x-two'] ?? '', 'latin1')
        expect(bytes.toString('utf8')).toBe(values.sub2.toWellFormed().trim())
      }),
      RUNS,
    )
  })

  test('in XML: no value adds an element', () => {
    fc.assert(
      fc.property(fc.record(pairs), (values) => {
        const definition = {
          method: 'POST' as const,
          body: '<a b="{sub1}">{sub2}</a>',
          content_type: 'text/xml',
        }
        const body = renderOrRefuse(definition, values)?.request.body
        if (body === undefined || body === null) return
        expect(body.match(/[<>"]/g)?.join('')).toBe('<""><>')
      }),
      RUNS,
    )
  })
})

test('sending the original again sends exactly the same, whatever the values were', () => {
  const templates = fc.constantFrom<Partial<DestinationDefinition>>(
    {
      url: 'https://t.example/{sub1}/p?x={sub2|raw}&k={secret:KEY}',
      headers: { 'x-a': 'a {sub1} {secret:KEY}' },
    },
    { method: 'POST', body: '{"a":"{sub1}{secret:KEY}","b":{secret:KEY},"c":{sub2}}' },
    { method: 'POST', body: 'a={sub1}&k={secret:KEY}&b={sub2}' },
    { method: 'POST', body: '<a b="{sub1}">{secret:KEY}</a>', content_type: 'text/xml' },
  )
  const secrets = fc.oneof(hostile, fc.constantFrom('5', '{secret:KEY}', '"', '{signature}'))
  fc.assert(
    fc.property(templates, fc.record(pairs), secrets, (template, values, secret) => {
      const definition = { ...template, secrets: { KEY: sampleBox.seal(secret) } }
      const rendered = renderOrRefuse(definition, values)
      if (rendered === null) return
      const input = sampleInput({ definition })
      expect(rerenderOriginal(rendered.recorded, input)).toEqual(rendered.request)
    }),
    RUNS,
  )
})

describe('a body template that values could break is refused', () => {
  test.each([
    '{"a": {sub1}{sub2}}',
    '{"a": 1{sub1}}',
    '{"a": "\\{sub1}"}',
    '{"a": "\\u00{sub1}"}',
    '{"a": "{sub1}}',
    '{{sub1}: 1}',
    '{"a": "{sub1}" x}',
  ])('%s', (body) => {
    const input = sampleInput({ definition: { method: 'POST', body } })
    expect(() => renderDelivery(input)).toThrow(RenderError)
  })

  test.each([
    'https://{sub1}/p',
    'https://h{sub1}.example/p',
    '{sub1}',
    'https://h.example:{sub1}/',
    '//h/p',
  ])('a macro can not choose the host: %s', (url) => {
    expect(() => renderDelivery(sampleInput({ definition: { url } }))).toThrow(RenderError)
  })
})

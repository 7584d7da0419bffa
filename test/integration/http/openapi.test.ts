import Schema from 'typebox/schema'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Answer, type ControlApi, createNetwork, startControlApi } from '../../support/control-api.ts'

type Operation = {
  security: unknown[]
  parameters?: { name: string; in: string; required?: boolean }[]
  requestBody?: { content: Record<string, Content> }
  responses: Record<string, { content?: Record<string, Content> }>
}
type Content = { schema: Record<string, unknown> }
type Document = { paths: Record<string, Record<string, Operation>> }

let api: ControlApi
let document: Document
beforeAll(async () => {
  api = await startControlApi()
  document = (await api.call({ method: 'GET', url: '/openapi.json' })).json
})
afterAll(() => api.close())

const operations = (): [string, Operation][] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  )

/** Names that an answer has and its schema does not, in objects whose names are listed. */
function unlisted(schema: Record<string, unknown>, value: unknown, path = ''): string[] {
  if (Array.isArray(value))
    return value.flatMap((item) =>
      unlisted((schema.items ?? {}) as Record<string, unknown>, item, `${path}[]`),
    )
  const branches = (schema.anyOf ?? []) as Record<string, unknown>[]
  const fitting = branches.find(
    (branch) => Schema.Check(branch, value) && unlisted(branch, value).length === 0,
  )
  if (branches.length > 0) return fitting === undefined ? [path] : []
  const properties = schema.properties as Record<string, Record<string, unknown>> | undefined
  if (properties === undefined || value === null || typeof value !== 'object') return []
  return Object.entries(value).flatMap(([name, inner]) => {
    const known = properties[name]
    if (known !== undefined) return unlisted(known, inner, `${path}.${name}`)
    return schema.additionalProperties ? [] : [`${path}.${name}`]
  })
}

/** Empty where the document says of this operation what it just answered. */
function disagreement(operation: string, answer: Answer): unknown[] {
  const [, described] = operations().find(([name]) => name === operation) ?? []
  const response = described?.responses[answer.status] ?? described?.responses.default
  const schema = response?.content?.['application/json']?.schema
  if (schema === undefined) return [`${operation} ${answer.status} is not in the document`]
  if (!Schema.Check(schema, answer.json)) return Schema.Errors(schema, answer.json).slice(0, 3)
  return unlisted(schema, answer.json).map((name) => `${operation} ${answer.status}: ${name}`)
}

test('the document says of every operation how it refuses, and whether it needs a key', () => {
  const silent = operations().filter(([, { responses }]) => responses.default === undefined)
  expect(silent.map(([name]) => name)).toEqual([])
  const wrong = operations().filter(([name, { security }]) => security.length > 0 !== name.includes(' /v1/'))
  expect(wrong.map(([name]) => name)).toEqual([])
})

test('the document names Idempotency-Key where it is honoured', () => {
  const taking = operations().flatMap(([name, { parameters = [] }]) =>
    parameters
      .filter((one) => one.in === 'header')
      .map((one) => `${name}: ${one.name} ${one.required ?? false}`),
  )
  expect(taking.sort()).toEqual([
    'POST /v1/deliveries/{id}/replay: Idempotency-Key false',
    'POST /v1/destinations/{id}/test: Idempotency-Key false',
  ])
})

test('the document says of every operation but a redirect what a success holds', () => {
  const empty = operations().filter(
    ([, { responses }]) =>
      responses[302] === undefined &&
      !Object.entries(responses).some(([status, { content }]) => status.startsWith('2') && content),
  )
  expect(empty.map(([name]) => name)).toEqual([])
})

test('what intake, health and refusals answer is what the document says', async () => {
  const { advertiser, affiliate, offer } = await createNetwork(api)
  const click = { click_id: 'c1', affiliate_id: affiliate.id, offer_id: offer.id }
  const report = (query: string) => api.call({ method: 'GET', url: `/postback/${advertiser.token}?${query}` })
  const conversion = (clickId: string) =>
    api.post('/conversions', { advertiser_id: advertiser.id, click_id: clickId, transaction_id: clickId })
  const answers: [string, Answer][] = [
    ['POST /v1/clicks', await api.post('/clicks', click)],
    ['POST /v1/clicks', await api.post('/clicks', { data: [click, {}] })],
    ['GET /postback/{token}', await report('clickid=c1&dry_run=1')],
    ['GET /postback/{token}', await report('clickid=unknown&dry_run=1')],
    ['GET /postback/{token}', await report('clickid=c1')],
    ['GET /postback/{token}', await report('clickid=c1')],
    ['GET /postback/{token}', await report('clickid=c1&dry_run=1')],
    ['GET /postback/{token}', await report('clickid=unknown')],
    ['GET /postback/{token}', await report('clickid=')],
    [
      'POST /v1/conversions',
      await api.post('/conversions?dry_run=1', { advertiser_id: advertiser.id, click_id: 'c1' }),
    ],
    ['POST /v1/conversions', await conversion('c1')],
    ['POST /v1/conversions', await conversion('unknown')],
    ['POST /v1/conversions', await conversion('{clickid}')],
    ['POST /v1/conversions', await api.post('/conversions', { data: [{ advertiser_id: 'nobody' }] })],
    ['GET /v1/offers', await api.get('/offers?limit=0')],
    ['GET /v1/offers', await api.call({ method: 'GET', url: '/v1/offers' })],
    ['GET /v1/trace', await api.get('/trace?id=c1')],
    ['GET /livez', await api.call({ method: 'GET', url: '/livez' })],
    ['GET /readyz', await api.call({ method: 'GET', url: '/readyz' })],
  ]
  expect(answers.flatMap(([operation, answer]) => disagreement(operation, answer))).toEqual([])
})

test('the document says that an import takes JSON and CSV', () => {
  const [, operation] = operations().find(([name]) => name === 'POST /v1/destinations/import') ?? []
  expect(Object.keys(operation?.requestBody?.content ?? {})).toEqual(['application/json', 'text/csv'])
})

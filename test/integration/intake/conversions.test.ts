import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withTx } from '../../../src/db/database.ts'
import { AppError } from '../../../src/kit/app-error.ts'
import { encodeId } from '../../../src/kit/ids.ts'
import { type IntakeApp, startIntakeApp } from '../../support/intake-app.ts'

let app: IntakeApp
const away = { clickIds: [] as string[] }
const line = { length: 0, longest: 0 }
let network: Awaited<ReturnType<IntakeApp['network']>>
let advertiser_id: string

beforeAll(async () => {
  app = await startIntakeApp({
    wrapIntake: (intake) => ({
      ...intake,
      submit: async (call, report, readBy) => {
        if (away.clickIds.includes(report.clickId ?? '')) throw new AppError('store_unavailable')
        line.longest = Math.max(line.longest, ++line.length)
        return intake.submit(call, report, readBy).finally(() => line.length--)
      },
    }),
  })
  network = await app.network({ param_map: { click_id: 'transaction_id' }, external_id: 'shop-1' })
  advertiser_id = encodeId('advertiser', network.advertiserId)
  await app.click(network, 'k1')
})
afterAll(() => app.close())

const report = (body: unknown, headers: Record<string, string> = {}, query = '') =>
  app.call(`/v1/conversions${query}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json', authorization: 'Bearer the-admin-key', ...headers },
  })

describe('one conversion', () => {
  test('is read by canonical names whatever the param_map of the advertiser says', async () => {
    const first = await report({ advertiser_id, click_id: 'k1', transaction_id: 'o1', payout: 1.1 })
    expect(first).toMatchObject({ status: 200, json: { result: 'accepted', revision: 1 } })
    const again = await report({
      advertiser_id: 'shop-1',
      click_id: 'k1',
      transaction_id: 'o1',
      payout: '1.10',
    })
    expect(again.json).toMatchObject({ result: 'duplicate', conversion_id: first.json.conversion_id })
    expect((await report({ advertiser_id, click_id: 'unknown' })).status).toBe(202)
  })

  test('is kept raw with numbers as written and without the key', async () => {
    await report(`{"advertiser_id":"${advertiser_id}","click_id":12345678901234567890123,"payout":2.50}`)
    const stored = (await app.storedCalls()).at(-1)
    expect(stored).toMatchObject({ source: 'api', result: 'parked', click_id: '12345678901234567890123' })
    expect(stored?.request.body).toContain('"payout":2.50')
    expect(JSON.stringify(stored)).not.toContain('the-admin-key')
  })

  test('dry_run answers what it would do and stores nothing; a list is refused, not stored', async () => {
    const before = (await app.storedCalls()).length
    const dry = (body: unknown) => report(body, {}, '?dry_run=1')
    const good = { advertiser_id, click_id: 'k1', transaction_id: 'dry', params: { color: 'red' } }
    expect(await dry(good)).toMatchObject({
      status: 200,
      json: {
        dry_run: true,
        fields: { transaction_id: { value: 'dry', from: 'transaction_id' } },
        params: { color: 'red' },
        result: 'accepted',
        attribution: { affiliate_click_id: 'their-k1' },
        destinations: [{ decision: 'send' }],
      },
    })
    expect(await dry({ advertiser_id, status: 'maybe', click_id: 'k1' })).toMatchObject({
      status: 400,
      json: { error: { code: 'unknown_status' } },
    })
    expect((await dry({ advertiser_id: 'nobody', click_id: 'k1' })).json.error.code).toBe(
      'unknown_advertiser',
    )
    expect(await dry({ data: [good] })).toMatchObject({
      status: 400,
      json: { error: { code: 'not_available', field: 'dry_run' } },
    })
    expect(await app.storedCalls()).toHaveLength(before)
  })

  test('dry_run takes none of the connections that reports are stored through', async () => {
    const { promise: isOver, resolve: end } = Promise.withResolvers<void>()
    const flushes = Array.from({ length: 4 }, () => withTx(app.ctx.db.intake, () => isOver))
    const { status } = await report(
      { advertiser_id, click_id: 'k1', transaction_id: 'dry' },
      {},
      '?dry_run=1',
    )
    end()
    await Promise.all(flushes)
    expect(status).toBe(200)
  })

  test('params of its own are parameters of that name', async () => {
    const { json } = await report({
      advertiser_id,
      click_id: 'k1',
      transaction_id: 'o2',
      params: { color: 'red' },
      size: 4,
    })
    expect(json.result).toBe('accepted')
    const { rows } = await app.db.query<{ params: unknown }>({
      text: "select params from conversions where transaction_id = 'o2'",
    })
    expect(rows[0]?.params).toEqual({ color: 'red', size: '4' })
  })

  test.each([
    [{ click_id: 'c' }, 'missing_field', 'advertiser_id'],
    [{ advertiser_id: 7, click_id: 'c' }, 'invalid_field', 'advertiser_id'],
    [{ advertiser_id: 'adv_nobody', click_id: 'c' }, 'unknown_advertiser', 'advertiser_id'],
    [{ advertiser_id: 'shop-1' }, 'click_id_missing', 'click_id'],
    [{ advertiser_id: 'shop-1', click_id: 'a\0' }, 'invalid_encoding', 'click_id'],
    [{ advertiser_id: 'shop-1', click_id: 'c', payout: -1 }, 'invalid_amount', 'payout'],
    [{ advertiser_id: 'shop-1', click_id: 'c', status: 'maybe' }, 'unknown_status', 'status'],
  ])('%j is refused with %s and quarantined', async (body, code, field) => {
    const answer = await report(body)
    expect(answer).toMatchObject({ status: 400, json: { error: { code, field, fix: expect.any(String) } } })
    expect((await app.storedCalls()).at(-1)).toMatchObject({ result: 'quarantined', code, source: 'api' })
  })

  test.each(['', '[]', '"x"', '{', 'null', `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`])(
    'a body that is no object of bounded depth is malformed (case %#)',
    async (body) => {
      expect(await report(body || '\n')).toMatchObject({
        status: 400,
        json: { error: { code: 'malformed' } },
      })
    },
  )

  test('another content type is 415, over 1 MiB is 413, Latin-1 is 400', async () => {
    expect((await report('a=1', { 'content-type': 'text/csv' })).status).toBe(415)
    expect((await report({ advertiser_id, click_id: 'c', x: 'y'.repeat(1_100_000) })).status).toBe(413)
    const latin1 = Buffer.from(`{"advertiser_id":"shop-1","click_id":"é"}`, 'latin1')
    const answer = await app.call('/v1/conversions', {
      method: 'POST',
      body: new Uint8Array(latin1),
      headers: { 'content-type': 'application/json' },
    })
    expect(answer.json.error.code).toBe('invalid_encoding')
  })
})

describe('a list', () => {
  test('a bad item refuses itself only', async () => {
    const data = [
      { advertiser_id, click_id: 'k1', transaction_id: 'l1' },
      { advertiser_id, click_id: 'k1', transaction_id: 'l1', payout: 'x' },
      'nonsense',
      { click_id: 'k1' },
      { advertiser_id, click_id: 'a\0' },
      { advertiser_id, click_id: 'k1', transaction_id: 'l1' },
    ]
    const { status, json } = await report({ data })
    expect(status).toBe(200)
    expect(json.results).toMatchObject([
      { result: 'accepted', revision: 1 },
      { error: { code: 'invalid_amount', field: 'payout' } },
      { error: { code: 'malformed' } },
      { error: { code: 'missing_field', field: 'advertiser_id' } },
      { error: { code: 'invalid_encoding' } },
      { result: 'duplicate', revision: 1 },
    ])
  })

  test('reports of one conversion are decided in their order', async () => {
    const of = (status: string, payout: string) => ({ click_id: 'k1', transaction_id: 'l2', status, payout })
    const data = [of('pending', '1'), of('approved', '2'), of('rejected', '3')]
    const { json } = await report({ advertiser_id, data })
    expect(json.results.map(({ revision }: { revision: number }) => revision)).toEqual([1, 2, 3])
    const { rows } = await app.db.query<{ status: string }>({
      text: "select status from conversions where transaction_id = 'l2'",
    })
    expect(rows[0]?.status).toBe('rejected')
  })

  test('one that names its transaction and one that names its click are decided in their order', async () => {
    await app.click(network, 'k2')
    const sale = { click_id: 'k2', event: 'sale' }
    const first = await report({
      advertiser_id,
      data: [
        { ...sale, transaction_id: 'l4', payout: '1' },
        { ...sale, status: 'rejected' },
      ],
    })
    expect(first.json.results).toMatchObject([{ revision: 1 }, { revision: 2 }])
    const second = await report({
      advertiser_id,
      data: [
        { transaction_id: 'l4', event: 'sale', payout: '2' },
        { ...sale, status: 'approved' },
        { click_id: 'k2', event: 'lead', transaction_id: 'l5' },
      ],
    })
    expect(second.json.results).toMatchObject([
      { result: 'accepted', revision: 3 },
      { result: 'accepted', revision: 4 },
      { result: 'accepted', revision: 1 },
    ])
  })

  test.each([
    ['changes of one order', (n: number) => ({ click_id: 'k1', transaction_id: 'hot', payout: `${n + 1}` })],
    ['repeats of one order', () => ({ click_id: 'k1', transaction_id: 'same', payout: '1' })],
    ['reports that nothing identifies', () => ({ affiliate_id: 'x', offer_id: 'y' })],
  ] as const)('300 %s do not refuse the calls of others', async (_what, item) => {
    const other = await app.network()
    const data = Array.from({ length: 300 }, (_, n) => item(n))
    let isDone = false
    const list = report({ advertiser_id, data }).finally(() => {
      isDone = true
    })
    const answers: number[] = []
    while (!isDone) {
      const call = `?click_id=nobody&transaction_id=o${answers.length}`
      answers.push((await app.call(`/postback/${other.token}${call}`)).status)
    }
    expect((await list).status).toBe(200)
    expect(new Set(answers)).toEqual(new Set([202]))
  })

  test('1,000 are taken, 250 in line at a time; 1,001 are refused, none is fine', async () => {
    const data = Array.from({ length: 1000 }, (_, at) => ({
      advertiser_id,
      click_id: 'k1',
      transaction_id: `m${at}`,
    }))
    line.longest = 0
    const { json } = await report({ data })
    expect(json.results.filter(({ result }: { result: string }) => result === 'accepted')).toHaveLength(1000)
    expect(line.longest).toBe(250)
    expect(await report({ data: [...data, {}] })).toMatchObject({
      status: 400,
      json: { error: { code: 'invalid_field', field: 'data' } },
    })
    expect((await report({ data: {} })).json.error.field).toBe('data')
    expect((await report({ data: [] })).json).toEqual({ results: [] })
  })

  test('what could not be stored says so in its place, 503 only where nothing was', async () => {
    away.clickIds = ['gone']
    const gone = { advertiser_id, click_id: 'gone' }
    const { status, json } = await report({
      data: [gone, { advertiser_id, click_id: 'k1', transaction_id: 'l3' }],
    })
    expect(status).toBe(200)
    expect(json.results).toMatchObject([{ error: { code: 'store_unavailable' } }, { result: 'accepted' }])
    const nothing = await report({ data: [gone, gone] })
    expect(nothing.status).toBe(503)
    expect(nothing.headers.get('retry-after')).toBe('1')
    away.clickIds = []
  })
})

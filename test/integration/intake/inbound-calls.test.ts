import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { trimUnknownTokenCalls } from '../../../src/intake/trim-unknown-token-calls.ts'
import { encodeId } from '../../../src/kit/ids.ts'
import { newSecret } from '../../../src/kit/secret-box.ts'
import { type IntakeApp, startIntakeApp } from '../../support/intake-app.ts'

let app: IntakeApp
let network: Awaited<ReturnType<IntakeApp['network']>>
const HOUR_MS = 3_600_000

beforeAll(async () => {
  app = await startIntakeApp()
  network = await app.network()
  for (const clickId of ['k1', 'k2', 'k3', 'k4']) await app.click(network, clickId)
})
afterAll(() => app.close())

const postback = (query: string, token = network.token) => app.call(`/postback/${token}?${query}`)
const list = async (query: string): Promise<Record<string, string>[]> => {
  const { status, json } = await app.call(`/v1/inbound-calls?${query}`)
  expect(status).toBe(200)
  return json.data
}
const idsOf = async (query: string): Promise<string[]> => (await list(query)).map(({ id }) => id ?? '')
const newestId = async (): Promise<string> => (await app.storedCalls()).at(-1)?.wireId ?? ''
const reprocess = (id: string) => app.call(`/v1/inbound-calls/${id}/reprocess`, { method: 'POST' })

describe('the list', () => {
  test('shows every call with its outcome, newest first, and filters it', async () => {
    await postback('click_id=k1&txid=order-100%25_x&payout=1')
    const accepted = await newestId()
    await postback('click_id=k1&txid=order-100%25_x&payout=1')
    const duplicate = await newestId()
    await postback('click_id=someone&txid=order-200')
    const parked = await newestId()
    await postback('click_id=k1-bad&txid=order-300&status=maybe')
    const quarantined = await newestId()
    const other = await app.network()
    await postback('click_id=k1&event=x', other.token)

    const advertiser = encodeId('advertiser', network.advertiserId)
    expect(await idsOf(`advertiser_id=${advertiser}`)).toEqual([quarantined, parked, duplicate, accepted])
    expect(await idsOf(`advertiser_id=${advertiser}&result=duplicate`)).toEqual([duplicate])
    expect(await idsOf('code=unknown_status')).toEqual([quarantined])
    expect(await idsOf('advertiser_id=nobody')).toEqual([])
    expect((await list('code=unknown_status'))[0]).toMatchObject({
      id: quarantined,
      advertiser_id: advertiser,
      code: 'unknown_status',
      field: 'status',
      http_status: 400,
      click_id: 'k1-bad',
      source: 'postback',
      remote_ip: '127.0.0.1',
      conversion_id: null,
      reprocessed_at: null,
    })

    expect(await idsOf(`q=${accepted}`)).toEqual([accepted])
    expect(await idsOf(`q=${quarantined.slice(0, -1)}`)).toContain(quarantined)
    expect(await idsOf('q=order-')).toEqual([quarantined, parked, duplicate, accepted])
    expect(await idsOf('q=order-100%25_x')).toEqual([duplicate, accepted])
    expect(await idsOf('q=order-100%25%25')).toEqual([])
    expect(await idsOf('q=k1-')).toEqual([quarantined])
    expect(await idsOf('q=rder-100')).toEqual([])
    const conversion = (await list(`q=${accepted}`))[0]?.conversion_id
    expect(await idsOf(`q=${conversion}`)).toEqual([duplicate, accepted])
  })

  test('pages with a cursor and keeps to its span of time', async () => {
    const all = await idsOf('limit=100')
    const paged: string[] = []
    let cursor = ''
    do {
      const { json } = await app.call(`/v1/inbound-calls?limit=2${cursor && `&cursor=${cursor}`}`)
      paged.push(...json.data.map(({ id }: { id: string }) => id))
      cursor = json.next_cursor
    } while (cursor !== null)
    expect(paged).toEqual(all)
    const at = (ms: number) => new Date(Date.now() + ms).toISOString()
    expect(await idsOf(`from=${at(-HOUR_MS)}&to=${at(HOUR_MS)}`)).toHaveLength(Math.min(all.length, 50))
    expect(await idsOf(`from=${at(HOUR_MS)}`)).toEqual([])
    expect(await idsOf(`to=${at(-HOUR_MS)}`)).toEqual([])
  })

  test.each(['result=lost', 'limit=0', 'cursor=x', 'from=yesterday', 'colour=red', 'q=', 'q=%00'])(
    '%s is 400',
    async (query) => {
      const { status, json } = await app.call(`/v1/inbound-calls?${query}`)
      expect(status).toBe(400)
      expect(json.error).toMatchObject({ field: query.split('=')[0], fix: expect.any(String) })
    },
  )
})

describe('one call', () => {
  test('comes with its raw request, the token masked', async () => {
    await postback('click_id=k2&n=M%C3%BCnchen')
    const { json } = await app.call(`/v1/inbound-calls/${await newestId()}`)
    expect(json).toMatchObject({
      result: 'accepted',
      request: {
        method: 'GET',
        url: '/postback/***?click_id=k2&n=M%C3%BCnchen',
        body: null,
        truncated: false,
      },
    })
    expect(json.request.headers).toMatchObject({ host: expect.any(String) })
  })

  test.each(['inb_01h455vb4pex5vsknk084sn02q', 'inb_x', 'cnv_01h455vb4pex5vsknk084sn02q', 'x'])(
    '%s is 404',
    async (id) => {
      expect((await app.call(`/v1/inbound-calls/${id}`)).json.error.code).toBe('not_found')
      expect((await reprocess(id)).status).toBe(404)
    },
  )
})

test('pages of a search reach every call', async () => {
  await app.db.query({
    text: `insert into inbound_calls (id, result, http_status, source, click_id)
      select uuidv7(), 'quarantined', 400, 'postback', 'paged-' || n from generate_series(1, 1200) n`,
  })
  const seen = new Set<string>()
  for (let cursor = ''; cursor !== 'null'; ) {
    const { json } = await app.call(`/v1/inbound-calls?q=paged-&limit=200${cursor}`)
    for (const { id } of json.data) seen.add(id)
    cursor = json.next_cursor === null ? 'null' : `&cursor=${json.next_cursor}`
  }
  expect(seen.size).toBe(1200)
})

describe('re-processing', () => {
  test("reads a quarantined call by today's rules, as a call of its own, and only once", async () => {
    await postback('click_id=k3&txid=r1&status=geprueft')
    const id = await newestId()
    expect(await reprocess(id)).toMatchObject({ status: 400, json: { error: { code: 'unknown_status' } } })
    await app.update(network.advertiserId, 'status_map', { geprueft: 'approved' })
    const done = await reprocess(id)
    expect(done).toMatchObject({ status: 200, json: { result: 'accepted', revision: 1 } })
    const [newest] = await list('limit=1')
    expect(newest).toMatchObject({
      source: 'reprocess',
      reprocessed_from: id,
      conversion_id: done.json.conversion_id,
    })
    expect((await app.call(`/v1/inbound-calls/${id}`)).json.reprocessed_at).toEqual(expect.any(String))
    expect(await reprocess(id)).toMatchObject({ status: 409, json: { error: { code: 'not_reprocessable' } } })
  })

  test('of several calls of one conversion, one after the other, ends in what the last of them said', async () => {
    await app.click(network, 'chain')
    await postback('click_id=chain&txid=chain&status=verkauft')
    const sold = await newestId()
    await postback('txid=chain&click_id=chain&status=storniert')
    const cancelled = await newestId()
    await app.update(network.advertiserId, 'status_map', { verkauft: 'approved', storniert: 'rejected' })
    expect((await reprocess(sold)).json).toMatchObject({ result: 'accepted', revision: 1 })
    expect((await reprocess(cancelled)).json).toMatchObject({ result: 'accepted', revision: 2 })
    const { rows } = await app.db.query({
      text: "select status from conversions where transaction_id = 'chain'",
    })
    expect(rows).toEqual([{ status: 'rejected' }])
  })

  test('in any order leaves what came after, also where that was processed again itself', async () => {
    await app.click(network, 'back')
    await postback('click_id=back&txid=back&status=verkauft2')
    const sold = await newestId()
    await postback('txid=back&click_id=back&status=storniert2')
    const cancelled = await newestId()
    await app.update(network.advertiserId, 'status_map', { verkauft2: 'approved', storniert2: 'rejected' })
    expect((await reprocess(cancelled)).json).toMatchObject({ result: 'accepted', revision: 1 })
    expect((await reprocess(sold)).json).toMatchObject({ result: 'duplicate', revision: 1 })
  })

  test('does not undo what was reported since', async () => {
    await app.click(network, 'undo')
    await postback('click_id=undo&txid=undo&status=pending&payout=1')
    await postback('txid=undo&status=bezahlt&payout=2')
    const id = await newestId()
    await postback('txid=undo&status=rejected')
    await app.update(network.advertiserId, 'status_map', { bezahlt: 'approved' })
    expect((await reprocess(id)).json).toMatchObject({ result: 'accepted', revision: 3 })
    const { rows } = await app.db.query({
      text: "select status, payout from conversions where transaction_id = 'undo'",
    })
    expect(rows).toEqual([{ status: 'rejected', payout: '2.000000' }])
  })

  test('form, JSON, multipart and API calls are read again as what they were', async () => {
    await app.update(network.advertiserId, 'status_map', {})
    const url = `/postback/${network.token}`
    const multipart =
      '--B\r\nContent-Disposition: form-data; name="click_id"\r\n\r\nk4\r\n--B\r\nContent-Disposition: form-data; name="status"\r\n\r\nneu\r\n--B\r\nContent-Disposition: form-data; name="txid"\r\n\r\nr4\r\n--B--\r\n'
    const api = {
      advertiser_id: encodeId('advertiser', network.advertiserId),
      click_id: 'k4',
      transaction_id: 'r5',
      status: 'neu',
    }
    const calls: [string, string, string][] = [
      [url, 'click_id=k4&txid=r2&status=neu', 'application/x-www-form-urlencoded'],
      [url, '{"click_id":"k4","txid":"r3","status":"neu"}', 'application/json'],
      [url, multipart, 'multipart/form-data; boundary=B'],
      ['/v1/conversions', JSON.stringify(api), 'application/json'],
    ]
    const ids: string[] = []
    for (const [path, body, type] of calls) {
      expect((await app.call(path, { body, headers: { 'content-type': type } })).json.error.code).toBe(
        'unknown_status',
      )
      ids.push(await newestId())
    }
    await app.update(network.advertiserId, 'status_map', { neu: 'pending' })
    await app.update(network.advertiserId, 'param_map', { click_id: 'transaction_id' })
    for (const [at, id] of ids.entries()) {
      expect((await reprocess(id)).json.result).toBe('accepted')
      expect((await app.storedCalls()).at(-1)).toMatchObject({ click_id: 'k4', transaction_id: `r${at + 2}` })
    }
    await app.update(network.advertiserId, 'param_map', {})
  })

  test('an API call of an advertiser that was unknown finds it by its name', async () => {
    const body = '{"advertiser_id":"late-shop","click_id":"k1"}'
    await app.call('/v1/conversions', { body, headers: { 'content-type': 'application/json' } })
    const id = await newestId()
    expect((await reprocess(id)).json.error.code).toBe('not_reprocessable')
    await app.rows.advertiser({ external_id: 'late-shop' })
    expect((await reprocess(id)).json.error?.code).not.toBe('not_reprocessable')
  })

  test('of a call with a broken field stays refused although U+FFFD was stored for it', async () => {
    await app.call(`/postback/${network.token}`, {
      body: new Uint8Array(Buffer.from('click_id=k\xe9', 'latin1')),
    })
    expect((await reprocess(await newestId())).json.error.code).toBe('invalid_encoding')
  })

  test('a call from an address that is not listed counts only once the address is listed', async () => {
    await app.update(network.advertiserId, 'ip_allowlist', ['10.0.0.0/8'])
    expect((await postback('click_id=k1&txid=ip1')).status).toBe(403)
    const id = await newestId()
    expect(await reprocess(id)).toMatchObject({
      status: 409,
      json: { error: { code: 'not_reprocessable', message: expect.stringContaining('ip_not_allowed') } },
    })
    await app.update(network.advertiserId, 'ip_allowlist', [])
    expect((await reprocess(id)).json.result).toBe('accepted')
  })

  test('a signed call counts only by the secret of today, whatever its age', async () => {
    const signed = async (txid: string, secret: string): Promise<string> => {
      const query = `click_id=k1&txid=${txid}`
      const digest = createHmac('sha256', secret).update(`1700000000.${query}`).digest('hex')
      const headers = { 'x-signature': `t=1700000000,v1=${digest}` }
      expect((await app.call(`/postback/${network.token}?${query}`, { headers })).status).toBe(401)
      return newestId()
    }
    await app.update(network.advertiserId, 'signing_secret', app.ctx.secrets.seal('the old secret of us'))
    const forged = await signed('sig1', 'a guess of somebody')
    const honest = await signed('sig2', 'the new secret of us')
    await app.update(network.advertiserId, 'signing_secret', app.ctx.secrets.seal('the new secret of us'))
    expect((await reprocess(forged)).json.error.message).toContain('signature_invalid')
    expect((await reprocess(honest)).json.result).toBe('accepted')
    await app.update(network.advertiserId, 'signing_secret', null)
  })

  test('a signed call whose token or bytes are not kept counts by the secret that it was verified with', async () => {
    const seal = (secret: string) =>
      app.update(network.advertiserId, 'signing_secret', app.ctx.secrets.seal(secret))
    await seal('the secret of the shop')
    const signed = async (path: string, content: string, body?: Buffer): Promise<string> => {
      const t = Math.floor((Date.now() + app.time.aheadMs) / 1000)
      const digest = createHmac('sha256', 'the secret of the shop')
        .update(`${t}.`)
        .update(Buffer.from(content, 'latin1'))
        .digest('hex')
      const headers = { 'x-signature': `t=${t},v1=${digest}` }
      const { json } = await app.call(path, body === undefined ? { headers } : { headers, body })
      expect(json.error.code).toBe('unknown_status')
      return newestId()
    }
    const query = `token=${network.token}&click_id=k1&txid=sig3&status=paye`
    const form = 'click_id=k1&txid=sig4&status=paye&product=caf\u00e9'
    const get = await signed(`/postback?${query}`, query)
    const post = await signed(`/postback/${network.token}`, form, Buffer.from(form, 'latin1'))
    await app.update(network.advertiserId, 'status_map', { paye: 'approved' })
    expect((await reprocess(get)).json).toMatchObject({ result: 'accepted' })
    await seal('another secret of the shop')
    expect((await reprocess(post)).json.error.message).toContain('signature_invalid')
    await app.update(network.advertiserId, 'signing_secret', null)
    await app.update(network.advertiserId, 'status_map', {})
  })

  test('is refused for what was not quarantined, has an unknown token or is not whole', async () => {
    const codeOf = async () => (await reprocess(await newestId())).json.error.code
    await postback('click_id=k1&txid=r9')
    expect(await codeOf()).toBe('not_reprocessable')
    await postback('click_id=k1', newSecret('adv'))
    expect(await codeOf()).toBe('not_reprocessable')
    await app.call(`/postback/${network.token}`, { body: `status=neu&x=${'y'.repeat(70_000)}` })
    expect(await codeOf()).toBe('not_reprocessable')
    await postback('click_id=k1&status=neuer')
    await app.db.query({
      text: 'delete from inbound_raw where id = (select id from inbound_calls order by id desc limit 1)',
    })
    expect(await codeOf()).toBe('not_reprocessable')
  })
})

test('of unknown tokens only the newest calls are kept, raw calls included; the others stay', async () => {
  const before = (await app.storedCalls()).filter(
    ({ advertiser_id, source }) => advertiser_id !== null || source === 'api',
  )
  for (let at = 0; at < 6; at++) await postback(`click_id=u${at}`, newSecret('adv'))
  expect(await trimUnknownTokenCalls(app.ctx, { kept: 4 })).toBeGreaterThanOrEqual(2)
  expect(await trimUnknownTokenCalls(app.ctx, { kept: 4 })).toBe(0)
  const after = await app.storedCalls()
  const unknown = after.filter(({ advertiser_id, source }) => advertiser_id === null && source === 'postback')
  expect(unknown.map(({ click_id }) => click_id)).toEqual(['u2', 'u3', 'u4', 'u5'])
  expect(after).toHaveLength(before.length + 4)
  const { rows } = await app.db.query<{ orphans: string }>({
    text: 'select count(*) as orphans from inbound_raw r where not exists (select from inbound_calls i where i.id = r.id)',
  })
  expect(rows[0]?.orphans).toBe('0')
})

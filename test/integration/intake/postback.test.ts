import { createHmac } from 'node:crypto'
import { connect } from 'node:net'
import { text as readText } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AppError } from '../../../src/kit/app-error.ts'
import { newSecret } from '../../../src/kit/secret-box.ts'
import { ADVERTISER_CALLS } from '../../support/advertiser-calls.ts'
import { type IntakeApp, startIntakeApp } from '../../support/intake-app.ts'

let app: IntakeApp
const closing = { refusal: null as AppError | null }

beforeAll(async () => {
  app = await startIntakeApp({
    wrapIntake: (intake) => ({
      ...intake,
      submit: async (call, report, readBy) => {
        if (closing.refusal !== null) throw closing.refusal
        return intake.submit(call, report, readBy)
      },
    }),
  })
})
afterAll(() => app.close())

const lastCall = async () => {
  const stored = (await app.storedCalls()).at(-1)
  if (stored === undefined) throw new Error('no call is stored')
  return stored
}

let clicks = 0
async function networkWithClick(row: Record<string, unknown> = {}) {
  const network = await app.network(row)
  const clickId = `click-${++clicks}`
  await app.click(network, clickId)
  return { ...network, clickId }
}

/** Sends bytes as they are; fetch would mend or refuse them. */
async function sendRaw(
  lines: string[],
  body = '',
): Promise<{ status: number; json: { error: { code: string } } }> {
  const { port, hostname } = new URL(app.address)
  const socket = connect(Number(port), hostname)
  socket.write(
    Buffer.from(`${[...lines, 'host: relay', 'connection: close'].join('\r\n')}\r\n\r\n${body}`, 'latin1'),
  )
  const answer = await readText(socket)
  return {
    status: Number(answer.split(' ')[1]),
    json: JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)),
  }
}

describe('answers', () => {
  test('a known click is accepted, a repeat is a duplicate, a change is the next revision', async () => {
    const { token, clickId } = await networkWithClick()
    const url = `/postback/${token}?clickid=${clickId}&txid=t1&payout=2.50`
    const first = await app.call(url)
    expect(first).toMatchObject({ status: 200, json: { result: 'accepted', revision: 1 } })
    expect(Object.keys(first.json)).toEqual(['result', 'conversion_id', 'revision'])
    expect(first.json.conversion_id).toMatch(/^cnv_/)
    expect((await app.call(url)).json).toMatchObject({ ...first.json, result: 'duplicate' })
    const changed = await app.call(`${url}&status=rejected`)
    expect(changed.json).toMatchObject({
      result: 'accepted',
      revision: 2,
      conversion_id: first.json.conversion_id,
    })
  })

  test('a late repeat is one although its occurred_at lies ahead of our clock', async () => {
    const { token, clickId } = await networkWithClick()
    const url = `/postback/${token}?clickid=${clickId}&txid=t1&occurred_at=${Date.now() + 3_600_000}`
    await app.call(`${url}&status=approved`)
    await app.call(`${url}&status=rejected`)
    const late = await app.call(`${url}&status=approved`)
    expect(late.json).toMatchObject({ result: 'duplicate', note: 'late_repeat', revision: 2 })
  })

  test('an unknown click is parked', async () => {
    const { token } = await app.network()
    expect(await app.call(`/postback?token=${token}&click_id=nobody-knows`)).toMatchObject({
      status: 202,
      json: { result: 'parked', reason: 'unknown_click', revision: 1 },
    })
  })

  test('a refusal names code, message, field, fix, the request and the stored call', async () => {
    const { token, advertiserId } = await app.network()
    const { status, headers, json } = await app.call(`/postback/${token}?click_id=c&status=maybe`)
    const stored = await lastCall()
    expect(status).toBe(400)
    expect(json.error).toEqual({
      code: 'unknown_status',
      message: expect.any(String),
      field: 'status',
      fix: expect.any(String),
      request_id: headers.get('x-request-id'),
      inbound_call_id: stored.wireId,
    })
    expect(stored).toMatchObject({
      advertiser_id: advertiserId,
      result: 'quarantined',
      code: 'unknown_status',
      field: 'status',
      http_status: 400,
      click_id: 'c',
    })
  })

  test('format=text answers OK and ERROR code', async () => {
    const { token, clickId } = await networkWithClick()
    const accepted = await app.call(`/postback/${token}?click_id=${clickId}&format=text`)
    expect(accepted).toMatchObject({ status: 200, text: 'OK' })
    expect(accepted.headers.get('content-type')).toContain('text/plain')
    expect(await app.call(`/postback/${token}?click_id=${clickId}&format=text&payout=x`)).toMatchObject({
      status: 400,
      text: 'ERROR invalid_amount',
    })
    expect(await app.call(`/postback/${newSecret('adv')}?format=text`)).toMatchObject({
      status: 401,
      text: 'ERROR unknown_token',
    })
  })

  test('an advertiser whose stack switches off on 4xx gets 200, and what was not stored still 503', async () => {
    const { token } = await app.network({ answer: { format: 'text', always_200: true } })
    expect(await app.call(`/postback/${token}?click_id=c&status=maybe`)).toMatchObject({
      status: 200,
      text: 'ERROR unknown_status',
    })
    expect((await lastCall()).result).toBe('quarantined')
    expect(await app.call(`/postback/${token}?click_id=nobody`)).toMatchObject({ status: 200, text: 'OK' })
    closing.refusal = new AppError('store_unavailable')
    const answer = await app.call(`/postback/${token}?click_id=c`).finally(() => {
      closing.refusal = null
    })
    expect(answer).toMatchObject({ status: 503, text: 'ERROR store_unavailable' })
    expect(answer.headers.get('retry-after')).toBe('1')
  })

  test('HEAD and PUT report nothing', async () => {
    const { token, clickId } = await networkWithClick()
    const before = (await app.storedCalls()).length
    for (const method of ['HEAD', 'PUT', 'DELETE'])
      expect((await app.call(`/postback/${token}?click_id=${clickId}`, { method })).status).toBe(405)
    expect(await app.storedCalls()).toHaveLength(before)
  })
})

describe('a dry run', () => {
  test('answers what was understood, from which parameter, and who would hear of it; nothing is stored', async () => {
    const { token, clickId, destinationId } = await networkWithClick({ param_map: { payout: 'sum' } })
    const before = (await app.storedCalls()).length
    const { status, json } = await app.call(`/postback/${token}?cid=${clickId}&sum=3&color=red&dry_run=1`)
    expect(status).toBe(200)
    expect(json).toMatchObject({
      dry_run: true,
      fields: { click_id: { value: clickId, from: 'cid' }, payout: { value: '3', from: 'sum' } },
      params: { color: 'red' },
      payout: '3.00',
      attribution: { affiliate_click_id: `their-${clickId}` },
      destinations: [{ decision: 'send' }],
    })
    expect(JSON.stringify(json.destinations)).not.toContain(destinationId)
    expect(
      (await app.call(`/postback/${token}?click_id=${clickId}&payout=x&dry_run=1`)).json.error.code,
    ).toBe('invalid_amount')
    expect((await app.call(`/postback/${token}?txid=unknown&dry_run=true`)).json.error.code).toBe(
      'click_id_missing',
    )
    expect(await app.storedCalls()).toHaveLength(before)
    expect((await app.call(`/postback/${token}?cid=${clickId}&sum=3`)).json.result).toBe('accepted')
  })

  test('of a repeat says what is stored: whose it is, and what it pays', async () => {
    const { token, clickId } = await networkWithClick()
    const url = `/postback/${token}?cid=${clickId}&txid=t1&event=sale&payout=3`
    await app.call(url)
    expect((await app.call(`${url}&dry_run=1`)).json).toMatchObject({
      result: 'duplicate',
      revision: 1,
      status: 'approved',
      event: 'sale',
      attribution: { by: 'click', affiliate_click_id: `their-${clickId}` },
      payout: '3.00',
      currency: 'USD',
      destinations: [],
    })
  })
})

describe('who may report', () => {
  test('an unknown token is 401 and stored without the token', async () => {
    const token = newSecret('adv')
    for (const path of [
      `/postback/${token}?click_id=c7&x=${token}`,
      `/postback?click_id=c7&token=${token}&a=1`,
    ]) {
      const answer = await app.call(path, {
        headers: { referer: `https://shop.example/${token}`, cookie: 'a=b' },
      })
      expect(answer).toMatchObject({ status: 401, json: { error: { code: 'unknown_token' } } })
      const stored = await lastCall()
      expect(stored).toMatchObject({ advertiser_id: null, code: 'unknown_token', click_id: 'c7' })
      expect(JSON.stringify(stored)).not.toContain(token)
      expect(stored.request.url).toContain('***')
      expect(stored.request.headers.cookie).toBe('***')
    }
  })

  test('the token is in no stored part of an accepted call either', async () => {
    const { token, clickId } = await networkWithClick()
    await app.call(`/postback/${token}?click_id=${clickId}`, { body: `payout=1&u=${token}` })
    await app.call(`/postback?%74oken=${token}&token=${token}&click_id=${clickId}`)
    const stored = (await app.storedCalls()).slice(-2)
    expect(stored.map(({ result }) => result)).toEqual(['accepted', 'duplicate'])
    expect(JSON.stringify(stored)).not.toContain(token)
  })

  test('a missing token is 401', async () => {
    for (const path of [
      '/postback?click_id=c',
      '/postback/?click_id=c',
      '/postback/x?click_id=c',
      '/postback?token=',
    ])
      expect((await app.call(path, { headers: { 'x-forwarded-for': '198.51.100.1' } })).status).toBe(401)
  })

  test('an address that failed 20 times is told 429 and kept, its valid tokens are taken', async () => {
    const headers = { 'x-forwarded-for': '203.0.113.77' }
    const statuses: number[] = []
    for (let tries = 0; tries < 22; tries++)
      statuses.push((await app.call('/postback/wrong?click_id=c', { headers })).status)
    expect(statuses).toEqual([...Array(20).fill(401), 429, 429])
    expect(await lastCall()).toMatchObject({
      code: 'too_many_failures',
      result: 'quarantined',
      http_status: 429,
    })
    const { token, clickId } = await networkWithClick()
    expect((await app.call(`/postback/${token}?click_id=${clickId}`, { headers })).status).toBe(200)
    expect((await app.call('/postback/wrong', { headers })).headers.get('retry-after')).toMatch(/^\d+$/)
  })

  test('a token that another process made a moment ago is known', async () => {
    const { token } = await app.foreignNetwork()
    expect((await app.call(`/postback/${token}?click_id=c`)).status).toBe(202)
  })

  test('an archived advertiser is refused', async () => {
    const { token, advertiserId } = await app.network()
    await app.update(advertiserId, 'archived_at', new Date())
    expect(await app.call(`/postback/${token}?click_id=c`)).toMatchObject({
      status: 409,
      json: { error: { code: 'archived' } },
    })
    expect(await lastCall()).toMatchObject({ advertiser_id: advertiserId, result: 'quarantined' })
  })

  test('an address that is not on the list is 403 and quarantined', async () => {
    const { token, clickId } = await networkWithClick({ ip_allowlist: ['203.0.113.0/24', '2001:db8::/32'] })
    const from = (address: string) =>
      app.call(`/postback/${token}?click_id=${clickId}`, { headers: { 'x-forwarded-for': address } })
    expect(await from('198.51.100.9')).toMatchObject({
      status: 403,
      json: { error: { code: 'ip_not_allowed' } },
    })
    expect(await lastCall()).toMatchObject({ code: 'ip_not_allowed', click_id: clickId })
    for (const address of ['203.0.113.9', '203.0.113.9:51234', '2001:db8::7', '[2001:db8::7]:443'])
      expect((await from(address)).status).toBe(200)
  })
})

describe('X-Signature', () => {
  const sign = (
    secret: string,
    signed: string,
    t = Math.floor(Date.now() / 1000),
  ): Record<string, string> => ({
    'x-signature': `t=${t},v1=${createHmac('sha256', secret).update(`${t}.${signed}`).digest('hex')}`,
  })
  const signing = async () => {
    const secret = 'a shared secret'
    return { secret, ...(await networkWithClick({ signing_secret: app.ctx.secrets.seal(secret) })) }
  }

  test('of the raw query of a GET and the raw body of a POST is accepted', async () => {
    const { secret, token, clickId } = await signing()
    const query = `click_id=${clickId}&city=M%C3%BCn+chen`
    expect((await app.call(`/postback/${token}?${query}`, { headers: sign(secret, query) })).status).toBe(200)
    const withToken = `token=${token}&${query}`
    expect((await app.call(`/postback?${withToken}`, { headers: sign(secret, withToken) })).status).toBe(200)
    const body = `{"click_id":"${clickId}","city":"München"}`
    expect(
      (await app.call(`/postback/${token}?format=text`, { body, headers: sign(secret, body) })).status,
    ).toBe(200)
  })

  test('missing, wrong, stale or over other content is 401', async () => {
    const { secret, token, clickId } = await signing()
    const query = `click_id=${clickId}`
    const t = Math.floor(Date.now() / 1000)
    const codeOf = async (headers: Record<string, string>) => {
      const { status, json } = await app.call(`/postback/${token}?${query}`, { headers })
      return [status, json.error?.code]
    }
    expect(await codeOf({})).toEqual([401, 'signature_missing'])
    expect(await codeOf(sign('another secret', query))).toEqual([401, 'signature_invalid'])
    expect(await codeOf(sign(secret, `${query}&payout=9`))).toEqual([401, 'signature_invalid'])
    expect(await codeOf({ 'x-signature': 'v1=zz' })).toEqual([401, 'signature_invalid'])
    expect(await codeOf(sign(secret, query, t - 310))).toEqual([401, 'signature_expired'])
    expect(await codeOf(sign(secret, query, t + 310))).toEqual([401, 'signature_expired'])
    expect(await lastCall()).toMatchObject({ code: 'signature_expired', click_id: clickId })
    expect((await codeOf(sign(secret, query, t - 290)))[0]).toBe(200)
  })

  test('of a POST does not cover a query, so that is refused', async () => {
    const { secret, token, clickId } = await signing()
    const body = `click_id=${clickId}`
    const answer = await app.call(`/postback/${token}?payout=1000`, { body, headers: sign(secret, body) })
    expect(answer).toMatchObject({ status: 401, json: { error: { code: 'signature_invalid' } } })
  })
})

test.each(ADVERTISER_CALLS)('the call of $platform ends as a stored report', async (call) => {
  const { token } = await app.network({ param_map: call.paramMap, status_map: call.statusMap })
  const init = call.body && { body: call.body.text, headers: { 'content-type': call.body.contentType } }
  const { status } = await app.call(`/postback/${token}?${call.query}`, init ?? {})
  const { clickId = null, transactionId = null } = call.reports
  expect(await lastCall()).toMatchObject({ click_id: clickId, transaction_id: transactionId ?? null })
  // A transaction id alone is not enough for a conversion that is not known yet, nor is an offer that does not exist.
  expect([202, 400]).toContain(status)
})

describe('bad input', () => {
  test.each([
    ['click_id=%zz', 'invalid_encoding', 'click_id'],
    ['click_id=a%00b', 'invalid_encoding', 'click_id'],
    ['click_id=%E9', 'invalid_encoding', 'click_id'],
    [`click_id=${'x'.repeat(501)}`, 'field_too_long', 'click_id'],
    [`click_id=c&txid=${'x'.repeat(256)}`, 'field_too_long', 'transaction_id'],
    ['click_id=c&payout=-1', 'invalid_amount', 'payout'],
    [`click_id=c&payout=${'9'.repeat(40)}`, 'invalid_amount', 'payout'],
    ['click_id=c&currency=XXQ', 'invalid_currency', 'currency'],
    [
      `click_id=c&occurred_at=${new Date().getUTCFullYear() + 1}-06-01T00:00:00Z`,
      'invalid_time',
      'occurred_at',
    ],
    ['click_id={clickid}', 'macro_not_replaced', 'click_id'],
    ['payout=1', 'click_id_missing', 'click_id'],
    ['order_id=nobody-knows', 'click_id_missing', 'click_id'],
    ['clickid=&order_id=nobody-knows', 'macro_not_replaced', 'click_id'],
    ['affiliate_id=a&offer_id=o&txid=1', 'unknown_offer', 'offer_id'],
  ])('%s is refused with %s and quarantined', async (query, code, field) => {
    const { token } = await app.network()
    const { status, json } = await app.call(`/postback/${token}?${query}`)
    expect(status).toBe(400)
    expect(json.error).toMatchObject({ code, field, fix: expect.any(String) })
    expect(await lastCall()).toMatchObject({ result: 'quarantined', code, field })
  })

  test('3,000 parameters', async () => {
    const { token } = await app.network()
    const body = Array.from({ length: 3000 }, (_, at) => `p${at}=1`).join('&')
    expect(await app.call(`/postback/${token}`, { body })).toMatchObject({
      status: 400,
      json: { error: { code: 'too_many_parameters' } },
    })
  })

  test('a body of 2 MB is 413 and its beginning is kept', async () => {
    const { token } = await app.network()
    const body = `click_id=c&x=${'y'.repeat(2_000_000)}`
    expect(await app.call(`/postback/${token}`, { body })).toMatchObject({
      status: 413,
      json: { error: { code: 'body_too_large' } },
    })
    const stored = await lastCall()
    expect(stored).toMatchObject({ code: 'body_too_large', request: { truncated: true } })
    expect(stored.request.body).toHaveLength(65_536)
  })

  test('a URL of 23 kB is 431', async () => {
    const { token } = await app.network()
    expect((await sendRaw([`GET /postback/${token}?click_id=${'x'.repeat(23_000)} HTTP/1.1`])).status).toBe(
      431,
    )
  })

  test('bytes as they are: NUL in JSON, Latin-1 in a form, odd content types, # in a URL', async () => {
    const { token, clickId } = await networkWithClick()
    expect((await app.call(`/postback/${token}`, { body: '{"click_id":"a\\u0000"}' })).json.error.code).toBe(
      'invalid_encoding',
    )
    const post = (header: string, body: string) =>
      sendRaw(
        [`POST /postback/${token} HTTP/1.1`, `content-length: ${body.length}`, ...(header ? [header] : [])],
        body,
      )
    for (const header of [
      '',
      'content-type: ///',
      'content-type: text',
      'content-type:',
      'content-type: text/plain',
    ])
      expect((await post(header, `click_id=${clickId}&n=Caf\xe9\0`)).status).toBe(200)
    const fragment = await sendRaw([`GET /postback/${token}?click_id=#s1#&payout=1 HTTP/1.1`])
    expect(fragment.json.error.code).toBe('macro_not_replaced')
  })

  test('a URL that nobody escaped is read: raw Latin-1, blanks, sent line by line', async () => {
    const { token, clickId } = await networkWithClick()
    const accepted = await sendRaw([
      `GET /postback/${token}?click_id=${clickId}&txid=o-1&n=Caf\xe9 au lait HTTP/1.1`,
    ])
    expect(accepted).toMatchObject({ status: 200, json: { result: 'accepted' } })
    expect((await lastCall()).request.url).toBe(
      `/postback/***?click_id=${clickId}&txid=o-1&n=Caf%E9%20au%20lait`,
    )
    const { port, hostname } = new URL(app.address)
    const socket = connect(Number(port), hostname)
    const answer = readText(socket)
    for (const part of [
      `POST /postback/${token}?txid=o 2 HTTP/1.0\r\n`,
      'Content-Length: 20\r\n',
      '\r\n',
      'click_id=',
    ])
      await new Promise<unknown>((resolve) => socket.write(part, resolve))
    socket.write(clickId.padEnd(11, '&'))
    expect(await answer).toContain('"result":"accepted"')
    expect(await lastCall()).toMatchObject({ transaction_id: 'o 2', click_id: clickId })
  })

  test('a slash too many, as of a base address that ends with one, does no harm', async () => {
    const { token, clickId } = await networkWithClick()
    expect((await app.call(`//postback//${token}?click_id=${clickId}`)).status).toBe(200)
    expect((await lastCall()).request.url).toBe(`//postback//***?click_id=${clickId}`)
  })

  test('a URL that nobody escaped with a broken click id is refused, and kept', async () => {
    const { token } = await app.network()
    const refused = await sendRaw([`GET /postback/${token}?click_id=Caf\xe9 HTTP/1.1`])
    expect(refused).toMatchObject({ status: 400, json: { error: { code: 'invalid_encoding' } } })
    expect(await lastCall()).toMatchObject({ code: 'invalid_encoding' })
  })

  test('a body that ends before its content-length stores nothing and breaks nothing', async () => {
    const { token } = await app.network()
    const before = (await app.storedCalls()).length
    const { port, hostname } = new URL(app.address)
    const socket = connect(Number(port), hostname)
    socket.write(`POST /postback/${token} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nclick_id=c`)
    await new Promise((resolve) => socket.once('connect', resolve))
    socket.destroy()
    expect((await app.call('/postback/x')).status).toBe(401)
    expect(await app.storedCalls()).toHaveLength(before + 1)
  })
})

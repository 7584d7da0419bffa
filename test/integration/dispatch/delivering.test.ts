import { afterEach, describe, expect, test } from 'vitest'
import { createSecretBox } from '../../../src/kit/secret-box.ts'
import { type DispatchRig, RIG_SECRETS_KEY, startDispatchRig } from '../../support/dispatch-rig.ts'
import { eventually } from '../../support/eventually.ts'
import { type Receiver, startReceiver } from '../../support/receiver.ts'

let rig: DispatchRig
let receiver: Receiver

afterEach(async () => {
  await rig?.close()
  await receiver?.close()
})

const setUp = async (
  replies: Parameters<typeof startReceiver>[0],
  definition: Parameters<DispatchRig['network']>[1] = {},
) => {
  receiver = await startReceiver(replies)
  rig = await startDispatchRig()
  const network = await rig.network(receiver.url, definition)
  return { network, ...(await rig.schedule(network)) }
}

const settled = (deliveryId: string, state: string) =>
  eventually(async () => {
    const delivery = await rig.delivery(deliveryId)
    expect(delivery.state).toBe(state)
    return delivery
  })

describe('one call', () => {
  test('reaches its tracker, and the attempt is on record with request, answer and phases', async () => {
    const { deliveryId } = await setUp({ replies: { status: 200, body: 'Success' } })
    rig.work()
    await rig.travel([deliveryId])
    const [call] = await receiver.waitFor(1)
    const delivery = await settled(deliveryId, 'delivered')
    expect(call?.query.get('status')).toBe('approved')
    expect(delivery).toMatchObject({
      attempts_count: 1,
      retries_used: 0,
      last_http_status: 200,
      last_error: null,
    })
    expect(delivery.delivered_at).not.toBeNull()
    expect(await rig.places()).toEqual({ due: [], batches: [] })
    expect(await rig.attempts(deliveryId)).toEqual([
      { verdict: 'delivered', http_status: 200, error: null, late: false },
    ])
    const [stored] = await rig.list<{ request: unknown; response: unknown; timings_ms: { total: number } }>(
      'select b.request, b.response, a.timings_ms from attempts a join attempt_bodies b on b.id = a.id',
    )
    expect(stored?.request).toMatchObject({ method: 'GET', url: `${receiver.url}${call?.url}` })
    expect(stored?.response).toMatchObject({ status: 200, body: 'Success' })
    expect(stored?.timings_ms.total).toBeGreaterThan(0)
  })

  test('writes one log line, without the URL', async () => {
    const { deliveryId } = await setUp({})
    rig.work()
    await rig.travel([deliveryId])
    await settled(deliveryId, 'delivered')
    const lines = rig.lines.filter((line) => line.msg === 'delivery attempted')
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({ verdict: 'delivered', http_status: 200, attempt: 1, next: 'delivered' })
    expect(JSON.stringify(lines)).not.toContain('clickid')
  })

  test('keeps at most 4 KiB of the answer, and never half a character', async () => {
    const { deliveryId } = await setUp({ replies: { status: 200, body: '€'.repeat(5000) } })
    rig.work()
    await rig.travel([deliveryId])
    await settled(deliveryId, 'delivered')
    const [stored] = await rig.list<{ response: { body: string; truncated: boolean } }>(
      'select response from attempt_bodies',
    )
    expect(stored?.response.body).toBe('€'.repeat(Math.floor(4096 / 3)))
    expect(stored?.response.truncated).toBe(true)
  })

  test('keeps its secrets out of the record', async () => {
    const sealed = createSecretBox(RIG_SECRETS_KEY).seal('s3cret')
    const { deliveryId } = await setUp(
      {},
      { secrets: { KEY: sealed }, headers: { 'x-api-key': '{secret:KEY}' } },
    )
    rig.work()
    await rig.travel([deliveryId])
    const [call] = await receiver.waitFor(1)
    await settled(deliveryId, 'delivered')
    expect(call?.headers['x-api-key']).toBe('s3cret')
    const [stored] = await rig.list<{ request: { headers: Record<string, string> } }>(
      'select request from attempt_bodies',
    )
    expect(stored?.request.headers['x-api-key']).toBe('{secret:KEY}')
  })

  test('keeps its secrets out of an answer that repeats the call', async () => {
    const seal = (secret: string): string => createSecretBox(RIG_SECRETS_KEY).seal(secret)
    receiver = await startReceiver()
    rig = await startDispatchRig()
    const network = await rig.network(receiver.url, {
      url: `${receiver.url}/{secret:KEY}/postback?clickid={clickid}&token={secret:KEY}`,
      secrets: { KEY: seal('s3cret/+ €'), PIN: seal('42') },
      retry: { schedule: [] },
    })
    const { deliveryId } = await rig.schedule(network)
    receiver.reply((call) => ({
      status: 301,
      headers: { location: `https://tracker.test${call.url}` },
      body: `wrong token ${call.query.get('token')} on day 42`,
    }))
    rig.work()
    await rig.travel([deliveryId])
    await settled(deliveryId, 'failed')
    const [stored] = await rig.list<{ response: { headers: Record<string, string>; body: string } }>(
      'select response from attempt_bodies',
    )
    expect(stored?.response.body).toBe('wrong token {secret:KEY} on day 42')
    expect(stored?.response.headers.location).toMatch(
      /^https:\/\/tracker\.test\/\{secret:KEY\}\/postback\?clickid=[^&]+&token=\{secret:KEY\}$/,
    )
  })
})

describe('verdicts', () => {
  test('a call that fails is retried by the schedule and then failed', async () => {
    const { deliveryId } = await setUp({ replies: 500 })
    rig.work()
    rig.sweep()
    await rig.travel([deliveryId])
    const delivery = await settled(deliveryId, 'failed')
    expect(delivery).toMatchObject({ attempts_count: 3, retries_used: 2, last_error: 'http_500' })
    expect(receiver.received).toHaveLength(3)
    expect(await rig.places()).toEqual({ due: [], batches: [] })
  })

  test('a receiver that comes back gets it by a retry', async () => {
    const { deliveryId } = await setUp({ replies: [503, 200] })
    rig.work()
    rig.sweep()
    await rig.travel([deliveryId])
    expect(await settled(deliveryId, 'delivered')).toMatchObject({ attempts_count: 2, retries_used: 1 })
  })

  test('a destination has its own retry schedule', async () => {
    const { deliveryId } = await setUp({ replies: 500 }, { retry: { schedule: ['5ms'] } })
    rig.work()
    rig.sweep()
    await rig.travel([deliveryId])
    expect(await settled(deliveryId, 'failed')).toMatchObject({ attempts_count: 2 })
  })

  test('a refusal is kept and not retried', async () => {
    const { deliveryId } = await setUp({ replies: 422 })
    rig.work()
    rig.sweep()
    await rig.travel([deliveryId])
    expect(await settled(deliveryId, 'refused')).toMatchObject({ attempts_count: 1, last_error: 'http_422' })
    expect(await rig.places()).toEqual({ due: [], batches: [] })
  })
})

describe('hints', () => {
  test('a doubled hint sends once: the second claim is refused', async () => {
    const { deliveryId } = await setUp({})
    rig.memory.copies = () => 3
    rig.work()
    rig.work()
    const batchId = await rig.travel([deliveryId])
    await settled(deliveryId, 'delivered')
    await rig.memory.again(batchId)
    await rig.memory.again(batchId)
    expect(receiver.received).toHaveLength(1)
  })

  test('a lost hint only delays: when the transit lease has ended the sweeper sends the rows again', async () => {
    const { deliveryId } = await setUp({})
    rig.work()
    rig.sweep()
    await rig.travel([deliveryId], { hint: false, leaseMs: 50 })
    await settled(deliveryId, 'delivered')
    expect(receiver.received).toHaveLength(1)
    expect(rig.memory.hinted.map((hint) => hint.queue)).toEqual(['deliver-again'])
  })

  test('a batch whose transit lease has ended is not claimed any more', async () => {
    const { deliveryId } = await setUp({})
    rig.work()
    const batchId = await rig.travel([deliveryId], { hint: false, leaseMs: -1 })
    await rig.memory.again(batchId)
    expect(receiver.received).toHaveLength(0)
    expect(await rig.places()).toEqual({ due: [], batches: [[deliveryId]] })
  })
})

describe('what cannot be rendered', () => {
  const BROKEN = { headers: { 'x-note': '{affiliate_click_id|lower}' } }

  test('ends failed with a sentence, and nothing else of its batch is touched', async () => {
    const { network, deliveryId, conversion } = await setUp({}, BROKEN)
    await rig.list('update conversions set affiliate_click_id = $2 where id = $1', [conversion.id, 'a\r\nb'])
    const other = await rig.schedule(network)
    rig.work()
    await rig.travel([deliveryId, other.deliveryId])
    const delivery = await settled(deliveryId, 'failed')
    await settled(other.deliveryId, 'delivered')
    expect(delivery).toMatchObject({ reason: 'render_failed', attempts_count: 0 })
    expect(delivery.last_error).not.toBeNull()
    expect(receiver.received).toHaveLength(1)
  })
})

test('{payout_delta} is the payout minus what was last delivered here', async () => {
  receiver = await startReceiver()
  rig = await startDispatchRig()
  const network = await rig.network(receiver.url, {
    url: `${receiver.url}/pb?d={payout_delta}`,
    changes: ['status', 'amount'],
  })
  const { conversion, deliveryId } = await rig.schedule(network)
  rig.work()
  await rig.travel([deliveryId])
  await settled(deliveryId, 'delivered')
  const second = await rig.addRevision(network, conversion, { place: 'nowhere', revision: 2 })
  await rig.list('update deliveries set payout = 4 where id = $1', [second])
  await rig.travel([second])
  await settled(second, 'delivered')
  const third = await rig.addRevision(network, conversion, {
    place: 'nowhere',
    revision: 3,
    status: 'rejected',
  })
  await rig.travel([third])
  await settled(third, 'delivered')
  expect(receiver.received.map((call) => Number(call.query.get('d')))).toEqual([1.5, 2.5, -4])
})

test('a replay of the original sends the recorded request, not what the destination is now', async () => {
  const { network, deliveryId } = await setUp({})
  rig.work()
  rig.sweep()
  await rig.travel([deliveryId])
  await settled(deliveryId, 'delivered')
  await rig.list(`insert into destination_versions (destination_id, version, definition)
    select destination_id, 2, definition || '{"url":"http://127.0.0.1:1/never"}' from destination_versions`)
  await rig.list(`with v as (update catalogue_version set n = n + 1 returning n)
    update destinations set version = 2, changed_in = (select n from v)`)
  const replayId = '01900000-0000-7000-8000-000000000001'
  await rig.list(
    `insert into replays (id, delivery_id, render, requested_by) values ($1, $2, 'original', 'test')`,
    [replayId, deliveryId],
  )
  await rig.list(
    `with d as (update deliveries set state = 'scheduled', replay_id = $2 where id = $1)
    insert into due (delivery_id, destination_id, share, due_at) values ($1, $3, 2, now())`,
    [deliveryId, replayId, network.destinationId],
  )
  const [first, again] = await receiver.waitFor(2)
  await settled(deliveryId, 'delivered')
  expect(again?.url).toBe(first?.url)
  expect(await rig.list('select replay_id from attempts order by id')).toEqual([
    { replay_id: null },
    { replay_id: replayId },
  ])
})

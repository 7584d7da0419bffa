import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { hasRedis, startRedis } from '../support/redis.ts'
import { createTestClient, makeSampleNetwork, toPostbackUrl } from '../support/relay-client.ts'
import { listTree, type RelayProcess, startRelayProcess } from '../support/relay-process.ts'

let dataDir: string
let tracker: Receiver
const cleanups: (() => Promise<unknown>)[] = []
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'relay-e2e-'))
  cleanups.push(() => rm(dataDir, { recursive: true, force: true }))
  tracker = await startReceiver()
  cleanups.push(tracker.close)
})
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function start(env: Record<string, string> = {}): Promise<RelayProcess> {
  const relay = await startRelayProcess({
    env: { PORT: '0', DATA_DIR: dataDir, OUTBOUND_ALLOW_CIDRS: '127.0.0.0/8', ...env },
  })
  cleanups.push(() => relay.kill({ postgres: true }))
  return relay
}

async function startWithNetwork(env: Record<string, string> = {}) {
  const relay = await start(env)
  const key = relay.adminKey ?? ''
  const client = createTestClient(relay.url, key)
  const network = await makeSampleNetwork(client, { trackerUrl: tracker.url })
  const report = async (transactionId: string, url = relay.url): Promise<number> =>
    (await fetch(toPostbackUrl(url, network, transactionId))).status
  return { relay, key, client, network, report }
}

test('the first start prints an admin key, later ones print none and have all data', async () => {
  const { relay, key, network, report } = await startWithNetwork()
  expect(key).toMatch(/^key_.{40,}$/)
  expect(await report('t1')).toBe(200)
  const [call] = await tracker.waitFor(1)
  expect(call?.url).toBe('/postback?clickid=click-t1&payout=1.25&txid=t1')
  expect((await relay.stop()).status).toBe(0)

  const again = await start()
  expect(again.adminKey).toBeNull()
  const client = createTestClient(again.url, key)
  expect((await client.get(`/v1/offers/${network.offerId}`)).name).toBe('Sale')
  await eventually(async () => {
    const { data } = await client.get('/v1/deliveries?transaction_id=t1')
    expect(data).toMatchObject([{ state: 'delivered', attempts_count: 1 }])
  })
})

test.each([
  ['PostgreSQL too', true],
  ['all but PostgreSQL', false],
])(
  'after kill -9 of everything (%s) it starts on another port, and what was accepted is delivered',
  async (_, postgres) => {
    const { relay, key, report } = await startWithNetwork({ WORKER_PROCESSES: '0' })
    for (const id of ['t1', 't2', 't3']) expect(await report(id)).toBe(200)
    await relay.kill({ postgres })
    const again = await start({ DELIVERY_TIMEOUT_MS: '1000', LEASE_MS: '6000' })
    expect(again.url).not.toBe(relay.url)
    const calls = await tracker.waitFor(3, 60_000)
    expect(calls.map((call) => call.query.get('txid')).sort()).toEqual(['t1', 't2', 't3'])
    const ledger = await createTestClient(again.url, key).get('/v1/ledger')
    expect(ledger).toMatchObject({ unaccounted: 0, revisions: { accepted: 3 } })
  },
)

test('SIGTERM lets a call in flight end and be recorded, and ends with status 0 within 15 s', async () => {
  const { relay, key, report } = await startWithNetwork()
  let answer: (status: number) => void = () => undefined
  const answered = new Promise<number>((resolve) => {
    answer = resolve
  })
  tracker.reply(() => answered)
  expect(await report('t1')).toBe(200)
  await tracker.waitFor(1)
  const stopping = relay.stop()
  await eventually(() => expect(fetch(`${relay.url}/livez`)).rejects.toThrow())
  answer(200)
  const { status, ms } = await stopping
  expect(status).toBe(0)
  expect(ms).toBeLessThan(15_000)

  const again = await start()
  const { data } = await createTestClient(again.url, key).get('/v1/deliveries?transaction_id=t1')
  expect(data).toMatchObject([{ state: 'delivered', attempts_count: 1 }])
  expect(tracker.received).toHaveLength(1)
})

test('SIGTERM with a tracker that never answers still ends with status 0 within 15 s', async () => {
  const { relay, report } = await startWithNetwork()
  tracker.reply('hang')
  expect(await report('t1')).toBe(200)
  await tracker.waitFor(1)
  const { status, ms } = await relay.stop()
  expect(status).toBe(0)
  expect(ms).toBeLessThan(15_000)
})

test('SIGTERM to `npm start` ends all of its processes, with status 0', async () => {
  const relay = await startRelayProcess({
    env: { PORT: '0', DATA_DIR: dataDir, HOME: homedir() },
    command: ['npm'],
  })
  cleanups.push(() => relay.kill({ postgres: true }))
  const tree = await listTree(relay.child.pid ?? 0)
  expect((await relay.stop()).status).toBe(0)
  expect((await Promise.all(tree.map(({ pid }) => listTree(pid)))).flat()).toEqual([])
})

test('SIGTERM while it still starts leaves no PostgreSQL running', async () => {
  const relay = spawn(process.execPath, ['bin/postback-relay.js'], {
    env: { PATH: process.env.PATH, PORT: '0', DATA_DIR: dataDir, WORKER_PROCESSES: '0' },
    stdio: 'ignore',
  })
  const postgres = await eventually(
    async () => Number((await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0]),
    { timeoutMs: 60_000 },
  )
  cleanups.push(async () => process.kill(postgres, 'SIGKILL'))
  relay.kill('SIGTERM')
  expect(await once(relay, 'close')).toEqual([0, null])
  expect(await listTree(postgres)).toEqual([])
  cleanups.pop()
})

test('where only the launcher is killed nothing is left running', async () => {
  const relay = await start()
  const tree = await listTree(relay.child.pid ?? 0)
  expect(tree.length).toBeGreaterThan(3)
  relay.child.kill('SIGKILL')
  await eventually(async () => {
    const left = await Promise.all(tree.map(({ pid }) => listTree(pid)))
    expect(left.flat()).toEqual([])
  })
})

test.skipIf(!hasRedis())(
  'with REDIS_URL away it says so once, accepts, and delivers when Redis is there',
  async () => {
    const redis = await startRedis()
    cleanups.push(redis.stop)
    await redis.kill()
    const { relay, report } = await startWithNetwork({ REDIS_URL: redis.url })
    expect(await report('t1')).toBe(200)
    const ready = await (await fetch(`${relay.url}/readyz`)).json()
    expect(ready).toMatchObject({ ready: true, queue: { backend: 'redis', ok: false } })
    await redis.start()
    await tracker.waitFor(1, 30_000)
  },
)

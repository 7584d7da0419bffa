import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { hasRedis, startRedis } from '../support/redis.ts'
import { startRedisCluster } from '../support/redis-cluster.ts'
import {
  createTestClient,
  makeSampleNetwork,
  type SampleNetwork,
  type TestClient,
  toPostbackUrl,
} from '../support/relay-client.ts'
import { listTree, type RelayProcess, startRelayProcess } from '../support/relay-process.ts'

const ADMIN_KEY = 'k'.repeat(40)
const SECRETS_KEY = 's'.repeat(40)
const REPORTS = 400
// Leases as short as the settings allow, so that what a killed worker held goes on soon.
const SETTINGS = {
  ADMIN_KEY,
  PORT: '0',
  OUTBOUND_ALLOW_CIDRS: '127.0.0.0/8',
  DELIVERY_TIMEOUT_MS: '1000',
  LEASE_MS: '6000',
}

let dataDir: string
let tracker: Receiver
let bugs: string[]
let started: RelayProcess[]
const cleanups: (() => Promise<unknown>)[] = []
beforeEach(async () => {
  bugs = []
  started = []
  dataDir = await mkdtemp(join(tmpdir(), 'relay-e2e-'))
  cleanups.push(() => rm(dataDir, { recursive: true, force: true }))
  // Slow enough that a kill meets calls in flight.
  tracker = await startReceiver({ replies: () => wait(20, 200) })
  cleanups.push(tracker.close)
})
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function start(env: Record<string, string>): Promise<RelayProcess> {
  const relay = await startRelayProcess({ env: { ...SETTINGS, DATA_DIR: dataDir, ...env } })
  started.push(relay)
  cleanups.push(() => relay.kill({ postgres: true }))
  return relay
}

/**
 * Reports like an advertiser: each transaction again until it is answered 2xx, at any of the addresses. `onAccepted` is
 * told how many are through, and breaks things.
 */
async function reportAll(
  network: SampleNetwork,
  urls: () => readonly string[],
  onAccepted: (accepted: number) => void,
): Promise<void> {
  const ids = Array.from({ length: REPORTS }, (_, i) => `t${i}`)
  let accepted = 0
  const reportOne = async (id: string, i: number): Promise<void> => {
    const list = urls()
    const response = await fetch(toPostbackUrl(list[i % list.length] ?? '', network, id))
    // Whatever breaks, a caller is told 503, or nothing.
    if (response.status === 500) bugs.push(...started.map((relay) => relay.output()))
    expect(response.status).toBe(200)
    onAccepted(++accepted)
  }
  const lanes = Array.from({ length: 8 }, async (_, lane) => {
    for (let i = lane; i < ids.length; i += 8)
      await eventually(() => reportOne(ids[i] ?? '', i), { timeoutMs: 60_000, everyMs: 100 })
  })
  await Promise.all(lanes)
}

async function expectAllDelivered(client: () => TestClient): Promise<void> {
  expect(bugs).toEqual([])
  await eventually(
    async () => {
      const ledger = await client().get('/v1/ledger')
      expect(ledger.deliveries).toMatchObject({ delivered: REPORTS, scheduled: 0 })
      expect(ledger.unaccounted).toBe(0)
    },
    { timeoutMs: 100_000, everyMs: 500 },
  )
  const told = new Set(tracker.received.map((call) => call.query.get('txid')))
  expect(told.size).toBe(REPORTS)
}

async function workerPid(relay: RelayProcess): Promise<number> {
  const worker = (await listTree(relay.child.pid ?? 0)).find(({ command }) =>
    command.includes('workers/main'),
  )
  if (worker === undefined) throw new Error('no worker runs')
  return worker.pid
}

test('kill -9 of the worker in the middle: it comes back and every conversion reaches the tracker', async () => {
  const relay = await start({})
  const client = createTestClient(relay.url, ADMIN_KEY)
  const network = await makeSampleNetwork(client, { trackerUrl: tracker.url })
  const first = await eventually(() => workerPid(relay))
  await reportAll(
    network,
    () => [relay.url],
    (accepted) => {
      if (accepted === REPORTS / 2) process.kill(first, 'SIGKILL')
    },
  )
  await expectAllDelivered(() => client)
  expect(await workerPid(relay)).not.toBe(first)
}, 180_000)

test('kill -9 of everything in the middle: after the next start every accepted conversion reaches the tracker', async () => {
  let relay = await start({})
  const network = await makeSampleNetwork(createTestClient(relay.url, ADMIN_KEY), { trackerUrl: tracker.url })
  let restarted: Promise<void> = Promise.resolve()
  const restart = async (): Promise<void> => {
    await relay.kill({ postgres: true })
    relay = await start({})
  }
  await reportAll(
    network,
    () => [relay.url],
    (accepted) => {
      if (accepted === REPORTS / 2) restarted = restart()
    },
  )
  await restarted
  await expectAllDelivered(() => createTestClient(relay.url, ADMIN_KEY))
}, 180_000)

describe.skipIf(!hasRedis())('queues that move while there is work in them', () => {
  test('other QUEUE_SHARDS, no Redis, another Redis, all ended by kill -9: every accepted conversion reaches the tracker', async () => {
    const database = await createTestDatabase()
    const cluster = await startRedisCluster(3)
    const redis = await startRedis()
    cleanups.push(database.drop, cluster.stop, redis.stop)
    const servers = { DATABASE_URL: database.connectionString, SECRETS_KEY }
    const places: Record<string, string>[] = [
      { REDIS_URL: cluster.url, QUEUE_SHARDS: '3' },
      { REDIS_URL: cluster.url, QUEUE_SHARDS: '2' },
      {},
      { REDIS_URL: redis.url },
    ]
    let relay = await start({ ...servers, ...places[0] })
    const network = await makeSampleNetwork(createTestClient(relay.url, ADMIN_KEY), {
      trackerUrl: tracker.url,
    })
    let moved: Promise<void> = Promise.resolve()
    const move = async (place: Record<string, string> = {}): Promise<void> => {
      await moved
      await relay.kill()
      relay = await start({ ...servers, ...place })
    }
    await reportAll(
      network,
      () => [relay.url],
      (accepted) => {
        if (accepted % 100 === 0) moved = move(places[accepted / 100])
      },
    )
    await moved
    await expectAllDelivered(() => createTestClient(relay.url, ADMIN_KEY))
  }, 240_000)
})

describe.skipIf(!hasRedis())('two API and two worker processes on one Postgres and one Redis', () => {
  test('kill -9 of an API, a worker and Redis in the middle: every accepted conversion reaches the tracker', async () => {
    const database = await createTestDatabase()
    const redis = await startRedis()
    cleanups.push(database.drop, redis.stop)
    const servers = { DATABASE_URL: database.connectionString, REDIS_URL: redis.url, SECRETS_KEY }
    const [api, doomedApi] = await Promise.all([1, 2].map(() => start({ ...servers, ROLE: 'api' })))
    const [doomedWorker] = await Promise.all([1, 2].map(() => start({ ...servers, ROLE: 'worker' })))
    if (!api || !doomedApi || !doomedWorker) throw new Error('not started')
    const client = createTestClient(api.url, ADMIN_KEY)
    await eventually(async () => expect((await client.get('/readyz')).workers.alive).toBe(2), {
      timeoutMs: 60_000,
    })
    const network = await makeSampleNetwork(client, { trackerUrl: tracker.url })
    const broken: Promise<unknown>[] = []
    let urls = [api.url, doomedApi.url]
    await reportAll(
      network,
      () => urls,
      (accepted) => {
        if (accepted === 100) broken.push(doomedWorker.kill())
        if (accepted === 200) broken.push(redis.kill().then(redis.start))
        if (accepted === 300) {
          broken.push(doomedApi.kill())
          urls = [api.url]
        }
      },
    )
    await Promise.all(broken)
    await expectAllDelivered(() => client)
  }, 180_000)
})

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { startReceiver } from '../support/receiver.ts'
import { hasRedis, REDIS_CERTIFICATE, startRedis } from '../support/redis.ts'
import { startRedisCluster } from '../support/redis-cluster.ts'
import { createTestClient, makeSampleNetwork, toPostbackUrl } from '../support/relay-client.ts'
import { startRelayProcess } from '../support/relay-process.ts'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function start(env: Record<string, string>): Promise<{ url: string; adminKey: string | null }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'relay-e2e-'))
  cleanups.push(() => rm(dataDir, { recursive: true, force: true }))
  const relay = await startRelayProcess({
    env: { PORT: '0', DATA_DIR: dataDir, OUTBOUND_ALLOW_CIDRS: '127.0.0.0/8', ...env },
  })
  cleanups.push(() => relay.kill({ postgres: true }))
  return relay
}

async function readQueue(url: string): Promise<unknown> {
  const answer = (await (await fetch(`${url}/readyz`)).json()) as { queue: unknown }
  return answer.queue
}

describe.skipIf(!hasRedis())('Redis behind TLS', () => {
  test.each([
    { server: 'one server', shards: 1 },
    { server: 'a cluster that names its nodes by host', shards: 3 },
  ])(
    '$server, with a certificate for its host name alone: queues are there and deliver',
    async ({ shards }) => {
      const redis =
        shards === 1 ? await startRedis({ tls: true }) : await startRedisCluster(shards, { tls: true })
      const tracker = await startReceiver()
      cleanups.push(redis.stop, tracker.close)
      const relay = await start({
        REDIS_URL: redis.url,
        QUEUE_SHARDS: String(shards),
        NODE_EXTRA_CA_CERTS: REDIS_CERTIFICATE,
      })
      const network = await makeSampleNetwork(createTestClient(relay.url, relay.adminKey ?? ''), {
        trackerUrl: tracker.url,
      })
      await eventually(async () =>
        expect(await readQueue(relay.url)).toMatchObject({ backend: 'redis', ok: true }),
      )
      for (let i = 0; i < 9; i++)
        expect((await fetch(toPostbackUrl(relay.url, network, `t${i}`))).status).toBe(200)
      await tracker.waitFor(9)
    },
  )

  test('a certificate that nobody trusts is named, and conversions are taken', async () => {
    const redis = await startRedis({ tls: true })
    cleanups.push(redis.stop)
    const relay = await start({ REDIS_URL: redis.url })
    const network = await makeSampleNetwork(createTestClient(relay.url, relay.adminKey ?? ''), {
      trackerUrl: 'http://127.0.0.1:9',
    })
    await eventually(async () =>
      expect(await readQueue(relay.url)).toMatchObject({
        ok: false,
        problem: expect.stringContaining('self-signed certificate'),
      }),
    )
    expect((await fetch(toPostbackUrl(relay.url, network, 't1'))).status).toBe(200)
  })
})

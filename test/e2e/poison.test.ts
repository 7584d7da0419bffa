import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { startReceiver } from '../support/receiver.ts'
import { createTestClient, makeSampleNetwork, toPostbackUrl } from '../support/relay-client.ts'
import { startRelayProcess } from '../support/relay-process.ts'

const ADMIN_KEY = 'k'.repeat(40)
const POISON = fileURLToPath(new URL('../support/poison.mjs', import.meta.url))
const NEIGHBOURS = 40
const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

test('a delivery whose verdict kills its process ends failed, alone: its neighbours are delivered and none is condemned', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'relay-e2e-'))
  cleanups.push(() => rm(dataDir, { recursive: true, force: true }))
  const tracker = await startReceiver({
    replies: (call) => ({
      status: 200,
      body: call.query.get('txid') === 'poison' ? '{"poison":true}' : '{"ok":true}',
    }),
  })
  cleanups.push(tracker.close)
  const relay = await startRelayProcess({
    env: {
      ADMIN_KEY,
      PORT: '0',
      DATA_DIR: dataDir,
      OUTBOUND_ALLOW_CIDRS: '127.0.0.0/8',
      DELIVERY_TIMEOUT_MS: '1000',
      LEASE_MS: '6000',
      LOG_LEVEL: 'error',
      NODE_OPTIONS: `--import ${POISON}`,
    },
  })
  cleanups.push(() => relay.kill({ postgres: true }))
  const client = createTestClient(relay.url, ADMIN_KEY)
  const network = await makeSampleNetwork(client, { trackerUrl: tracker.url })
  await client.post('/v1/destinations', {
    affiliate_id: network.affiliateId,
    url: `${tracker.url}/strict?clickid={affiliate_click_id}&txid={transaction_id}`,
    success: { json: { path: 'ok', equals: true } },
  })
  await eventually(async () => expect((await client.get('/readyz')).workers.alive).toBe(1), {
    timeoutMs: 60_000,
  })

  const ids = Array.from({ length: NEIGHBOURS }, (_, i) => `n${i}`).toSpliced(NEIGHBOURS / 2, 0, 'poison')
  await Promise.all(ids.map((id) => fetch(toPostbackUrl(relay.url, network, id))))

  await eventually(
    async () => {
      const { deliveries } = await client.get('/v1/ledger')
      expect(deliveries).toMatchObject({ delivered: 2 * NEIGHBOURS + 1, failed: 1, scheduled: 0 })
    },
    { timeoutMs: 150_000, everyMs: 500 },
  )
  const failed = await client.get('/v1/deliveries?state=failed')
  expect(failed.data).toMatchObject([{ state: 'failed', reason: 'verdict_failed' }])
  // Once in the process that it killed, once in the thread: no loop.
  const calls = tracker.received.filter(
    (call) => call.url.startsWith('/strict') && call.url.includes('=poison'),
  )
  expect(calls).toHaveLength(2)
}, 240_000)

import { Redis } from 'ioredis'
import { eventually } from './eventually.ts'
import { freePort } from './free-port.ts'
import { startRedis, type TestRedis } from './redis.ts'

const SLOTS = 16_384

export type TestCluster = { url: string; masters: TestRedis[]; stop(): Promise<void> }

/**
 * Masters without replicas, each with an equal range of slots; the others go on when one is gone. With tls they name
 * each other `localhost`, as their certificate does.
 */
export async function startRedisCluster(size: number, { tls = false } = {}): Promise<TestCluster> {
  const masters = await Promise.all(Array.from({ length: size }, () => startMaster(tls)))
  const clients = masters.map((master) => new Redis(master.port))
  try {
    await Promise.all(
      clients.map((client, i) => client.call('cluster', 'addslotsrange', ...rangeOf(i, size))),
    )
    const first = masters[0]
    for (const client of clients.slice(1))
      await client.call(
        'cluster',
        'meet',
        '127.0.0.1',
        String(first?.port),
        String(busPortOf.get(first?.port ?? 0)),
      )
    await eventually(
      async () => {
        for (const client of clients) {
          const state = String(await client.call('cluster', 'info'))
          if (!state.includes('cluster_state:ok') || !state.includes(`cluster_known_nodes:${size}`))
            throw new Error(state)
        }
      },
      { timeoutMs: 20_000 },
    )
  } finally {
    for (const client of clients) client.disconnect()
  }
  return {
    url: masters[0]?.url ?? '',
    masters,
    async stop() {
      await Promise.all(masters.map((master) => master.stop()))
    },
  }
}

const TLS_SETTINGS = {
  'tls-cluster': 'yes',
  'cluster-announce-hostname': 'localhost',
  'cluster-preferred-endpoint-type': 'hostname',
}

const busPortOf = new Map<number, number>()

async function startMaster(tls: boolean): Promise<TestRedis> {
  const port = await freePort()
  const busPort = await freePort()
  busPortOf.set(port, busPort)
  const settings = {
    'cluster-enabled': 'yes',
    'cluster-port': String(busPort),
    'cluster-node-timeout': '1000',
    'cluster-require-full-coverage': 'no',
    ...(tls && TLS_SETTINGS),
  }
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
  return startRedis({ port, args, tls })
}

const rangeOf = (index: number, size: number): [number, number] => [
  Math.ceil((index * SLOTS) / size),
  Math.ceil(((index + 1) * SLOTS) / size) - 1,
]

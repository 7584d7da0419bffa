import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { freePort } from '../support/free-port.ts'
import { ensureRedisServer } from '../support/redis-install.ts'
import { createTestClient, type TestClient } from '../support/relay-client.ts'
import { type Child, startChild } from './child.ts'
import { makeNamespace, type Namespace } from './namespace.ts'
import { type PostgresServer, startPostgresServer } from './postgres-server.ts'
import type { Mood } from './receivers-contract.ts'
import { type RedisServer, startRedisServer } from './redis-server.ts'
import { createRelayNode, type RelayNode } from './relay-node.ts'
import { removeAbandoned, SITE_PREFIX } from './remove-abandoned.ts'
import type { WireMode } from './wires-contract.ts'
import type { Cleanup } from './with-site.ts'

export const ADMIN_KEY = 'c'.repeat(40)
export const DELIVERY_TIMEOUT_MS = 1000
/** Short, so that what a killed worker held goes on within seconds. */
export const LEASE_MS = 8000
const TRACKERS = 4
const DISK_MB = 6000

/** Everything that runs: the servers, the processes of the relay, the wires between them, the trackers. */
export type Site = {
  dir: string
  postgres: PostgresServer
  /** Null: the queues are in Postgres. */
  redis: RedisServer | null
  apis: RelayNode[]
  workers: RelayNode[]
  /** Of the last worker, whose network is its own. */
  namespace: Namespace | null
  client: TestClient
  trackerUrls: string[]
  requestsFile: string
  wire(node: RelayNode, server: 'postgres' | 'redis', mode: WireMode): Promise<void>
  mood(tracker: number, mood: Mood): Promise<void>
  finishReceivers(): Promise<void>
}

export type SiteOptions = {
  backend: 'redis' | 'postgres'
  /** HTTP client of the workers. */
  client: 'got' | 'undici'
  /** A tmpfs for PostgreSQL, where root is. */
  ownDisk: boolean
}

/** What must be undone goes to `cleanups` as soon as it is there: the last first. */
export async function startSite(options: SiteOptions, cleanups: Cleanup[]): Promise<Site> {
  await removeAbandoned()
  const dir = await mkdtemp(join(tmpdir(), SITE_PREFIX))
  cleanups.push(({ keepDir }) => (keepDir ? undefined : rm(dir, { recursive: true, force: true })))
  const program = options.backend === 'redis' ? await ensureRedisServer() : null
  if (options.backend === 'redis' && program === null) throw new Error('there is no redis-server here')
  const namespace = await makeNamespace()
  cleanups.push(() => namespace?.remove())
  const host = namespace?.hostAddress ?? '127.0.0.1'
  const log = pino({ level: 'silent' })
  const postgres = await startPostgresServer({
    dir: join(dir, 'database'),
    diskMb: options.ownDisk ? DISK_MB : null,
    log,
  })
  cleanups.push(() => postgres.stop())
  const redis = program === null ? null : await startRedisServer({ dir: join(dir, 'redis'), program })
  cleanups.push(() => redis?.stop())
  const wires = startChild('./wires.ts', { HOST: host })
  cleanups.push(() => wires.stop())
  const requestsFile = join(dir, 'requests.jsonl')
  const receivers = startChild('./receivers.ts', {
    HOST: host,
    TIMEOUT_MS: String(DELIVERY_TIMEOUT_MS),
    LOG_FILE: requestsFile,
  })
  cleanups.push(() => receivers.stop())
  const ports = await receivers.ask<number[]>({ ask: 'start', count: TRACKERS })
  const build = (name: string, role: 'api' | 'worker', inside: Namespace | null): Promise<RelayNode> =>
    buildNode({ name, role, namespace: inside, host, dir, postgres, redis, wires, client: options.client })
  const apis = await Promise.all(['api1', 'api2'].map((name) => build(name, 'api', null)))
  const workers = [await build('worker1', 'worker', null), await build('worker2', 'worker', namespace)]
  const nodes = [...apis, ...workers]
  cleanups.push(() => Promise.all(nodes.map((node) => node.close())))
  await Promise.all(nodes.map((node) => node.start()))
  return {
    dir,
    postgres,
    redis,
    apis,
    workers,
    namespace,
    client: createTestClient(apis[0]?.url ?? '', ADMIN_KEY),
    trackerUrls: ports.map((port) => `http://${host}:${port}`),
    requestsFile,
    wire: (node, server, mode) => wires.ask({ ask: 'mode', wire: `${node.name}-${server}`, mode }),
    mood: (tracker, mood) => receivers.ask({ ask: 'mood', tracker, mood }),
    finishReceivers: () => receivers.ask({ ask: 'finish' }),
  }
}

type NodeOptions = {
  name: string
  role: 'api' | 'worker'
  namespace: Namespace | null
  host: string
  dir: string
  postgres: PostgresServer
  redis: RedisServer | null
  wires: Child
  client: SiteOptions['client']
}

async function buildNode(options: NodeOptions): Promise<RelayNode> {
  const { name, role, namespace, host, dir, postgres, redis, wires, client } = options
  const open = (server: string, targetPort: number): Promise<number> =>
    wires.ask({ ask: 'open', wire: `${name}-${server}`, targetPort })
  const database = new URL(postgres.connectionString)
  database.host = `${host}:${await open('postgres', postgres.port)}`
  const redisUrl = redis === null ? null : `redis://${host}:${await open('redis', redis.port)}`
  return createRelayNode({
    name,
    role,
    namespace: namespace?.name ?? null,
    logFile: join(dir, `${name}.log`),
    env: {
      HOST: host,
      PORT: String(await freePort()),
      DATABASE_URL: database.href,
      ...(redisUrl !== null && { REDIS_URL: redisUrl }),
      DATA_DIR: join(dir, 'data'),
      ADMIN_KEY,
      SECRETS_KEY: 's'.repeat(40),
      LOG_LEVEL: 'warn',
      DELIVERY_HTTP_CLIENT: client,
      OUTBOUND_ALLOW_CIDRS: `${host}/32`,
      DELIVERY_TIMEOUT_MS: String(DELIVERY_TIMEOUT_MS),
      LEASE_MS: String(LEASE_MS),
      // Long enough for every outage of a tracker that the suite makes.
      RETRY_SCHEDULE: ['1s', '1s', ...Array.from({ length: 48 }, () => '3s')].join(','),
    },
  })
}

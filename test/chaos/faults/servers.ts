import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import { always, type Fault, hasRedis } from '../fault.ts'
import type { PostgresServer } from '../postgres-server.ts'
import { LEASE_MS, type Site } from '../site.ts'

const DROP_ALL = `select pg_terminate_backend(pid) from pg_stat_activity
  where pid <> pg_backend_pid() and backend_type = 'client backend'`

/** Takes every connection that is left, the reserved ones too. */
async function takeAllConnections(
  { connectionString }: PostgresServer,
  untilMs: number,
): Promise<pg.Client[]> {
  const taken: pg.Client[] = []
  while (performance.now() < untilMs) {
    const client = new pg.Client({ connectionString })
    client.on('error', () => undefined)
    const isTaken = await client.connect().then(
      () => true,
      () => false,
    )
    if (isTaken) taken.push(client)
    else await wait(20)
  }
  return taken
}

const redisOf = ({ redis }: Site): NonNullable<Site['redis']> => {
  if (redis === null) throw new Error('this run has no Redis')
  return redis
}

export const POSTGRES_FAULTS: readonly Fault[] = [
  {
    name: 'PostgreSQL killed',
    how: 'SIGKILL to the server and all its backends, started again at once',
    promise: '503 with Retry-After meanwhile; nothing that was answered 2xx is lost',
    losesOutcomes: false,
    canHappen: always,
    async happen({ postgres }) {
      await postgres.kill()
      await postgres.start()
    },
  },
  {
    name: 'PostgreSQL away past the lease',
    how: `SIGKILL, started again after ${(LEASE_MS + 4000) / 1000} s`,
    promise: 'as above; outcomes wait in the workers and are committed before anything is taken over',
    losesOutcomes: true,
    canHappen: always,
    async happen({ postgres }) {
      await postgres.kill()
      await wait(LEASE_MS + 4000)
      await postgres.start()
    },
  },
  {
    name: 'all connections dropped',
    how: 'pg_terminate_backend of every connection, five times in 2 s',
    promise: '503 where an answer is not certain; outcomes are committed on the next connection',
    losesOutcomes: false,
    canHappen: always,
    async happen({ postgres }) {
      for (let i = 0; i < 5; i++) {
        await postgres.query(DROP_ALL).catch(() => undefined)
        await wait(400)
      }
    },
  },
  {
    name: 'max_connections reached',
    how: 'every connection dropped and taken by another client for 6 s',
    promise: '503 with Retry-After; nothing is lost',
    losesOutcomes: false,
    canHappen: always,
    async happen({ postgres }) {
      const endsMs = performance.now() + 6000
      const taking = takeAllConnections(postgres, endsMs)
      await wait(1000)
      await postgres.query(DROP_ALL).catch(() => undefined)
      const taken = [...(await taking), ...(await takeAllConnections(postgres, performance.now() + 500))]
      await Promise.all(taken.map((client) => client.end().catch(() => undefined)))
    },
  },
  {
    name: 'disk full',
    how: "PostgreSQL's tmpfs made as small as what lies on it for 8 s",
    promise:
      '503, no corruption; goes on when there is room (PostgreSQL itself may have to be started again)',
    losesOutcomes: true,
    canHappen: ({ postgres }) => postgres.disk !== null,
    async happen({ postgres }) {
      await postgres.disk?.fill()
      await wait(8000)
      await postgres.disk?.free()
      await postgres.start()
    },
  },
]

export const REDIS_FAULTS: readonly Fault[] = [
  {
    name: 'Redis emptied',
    how: 'FLUSHALL, three times in 1 s',
    promise: 'nothing is lost, nothing is sent twice',
    losesOutcomes: false,
    canHappen: hasRedis,
    async happen(site) {
      for (let i = 0; i < 3; i++) {
        await redisOf(site).command('FLUSHALL')
        await wait(300)
      }
    },
  },
  {
    name: 'Redis back from an old snapshot',
    how: 'SAVE, 4 s of work, SIGKILL, started again with the snapshot: finished jobs come back',
    promise: 'nothing is lost, nothing is sent twice',
    losesOutcomes: false,
    canHappen: hasRedis,
    async happen(site) {
      const redis = redisOf(site)
      await redis.command('SAVE')
      await wait(4000)
      await redis.kill()
      await redis.start({ empty: false })
    },
  },
  {
    name: 'Redis away',
    how: 'SIGKILL, started again empty after a minute',
    promise: 'intake goes on; deliveries wait in PostgreSQL',
    losesOutcomes: false,
    canHappen: hasRedis,
    async happen(site) {
      const redis = redisOf(site)
      await redis.kill()
      await wait(60_000)
      await redis.start({ empty: true })
    },
  },
  {
    name: 'Redis out of memory',
    how: 'CONFIG SET maxmemory 1 for 8 s',
    promise: 'intake goes on; deliveries wait in PostgreSQL',
    losesOutcomes: false,
    canHappen: hasRedis,
    async happen(site) {
      const redis = redisOf(site)
      await redis.command('CONFIG', 'SET', 'maxmemory', '1')
      await wait(8000)
      await redis.command('CONFIG', 'SET', 'maxmemory', '0')
    },
  },
]

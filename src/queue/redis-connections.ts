import { Cluster, Redis, type RedisOptions } from 'ioredis'

const RETRY_MAX_MS = 1000

const retryStrategy = (times: number): number => Math.min(50 * 2 ** Math.min(times, 10), RETRY_MAX_MS)

/** After a failover behind one address the old master answers READONLY: only a new connection reaches the new one. */
const reconnectOnError = (error: Error): boolean => error.message.startsWith('READONLY')

/**
 * The producer's connection fails fast instead of waiting: nothing is queued while Redis is away, and an add whose
 * reply is lost is not sent again. A socket that stays silent over a sent command is given up.
 */
const PRODUCER_OPTIONS = {
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  connectTimeout: 2000,
  commandTimeout: 2000,
  socketTimeout: 5000,
  reconnectOnError,
} as const satisfies RedisOptions

/** A worker's connections wait for Redis as long as it takes. */
const WORKER_OPTIONS = {
  maxRetriesPerRequest: null,
  connectTimeout: 2000,
  socketTimeout: 5000,
  reconnectOnError,
} as const satisfies RedisOptions

export type RedisClient = Redis | Cluster

/** More than one shard means a Redis Cluster, with redisUrl as the node that is asked first. */
export type RedisAddress = { redisUrl: string; shards: number }

export function openProducerClient(address: RedisAddress): RedisClient {
  if (address.shards === 1)
    return new Redis(address.redisUrl, { ...PRODUCER_OPTIONS, enableOfflineQueue: false, retryStrategy })
  return openCluster(address.redisUrl, PRODUCER_OPTIONS, false)
}

export type WorkerConnection = { client: RedisClient; disconnect(): void }

/**
 * The connection that all workers of a process share. BullMQ gives each a blocking connection that is a copy of it,
 * and closing one of those hangs while Redis is away; so the copies are remembered and can be cut.
 */
export function openWorkerConnection(address: RedisAddress): WorkerConnection {
  const client =
    address.shards === 1
      ? new Redis(address.redisUrl, { ...WORKER_OPTIONS, retryStrategy })
      : openCluster(address.redisUrl, WORKER_OPTIONS, true)
  const opened: RedisClient[] = [client]
  const remembered = <C extends RedisClient, A extends unknown[]>(duplicate: (...args: A) => C) => {
    return (...args: A): C => {
      const copy = duplicate(...args)
      opened.push(copy)
      return copy
    }
  }
  if (client instanceof Cluster) client.duplicate = remembered(client.duplicate.bind(client))
  else client.duplicate = remembered(client.duplicate.bind(client))
  return {
    client,
    disconnect() {
      for (const one of opened) one.disconnect()
    },
  }
}

type NodeOptions = typeof PRODUCER_OPTIONS | typeof WORKER_OPTIONS

function openCluster(redisUrl: string, nodeOptions: NodeOptions, enableOfflineQueue: boolean): Cluster {
  const url = new URL(redisUrl)
  return new Cluster([{ host: url.hostname, port: Number(url.port || 6379) }], {
    enableOfflineQueue,
    clusterRetryStrategy: retryStrategy,
    // A dead master must cost an add little, so that the next shard can have it.
    retryDelayOnFailover: 50,
    retryDelayOnClusterDown: 50,
    maxRedirections: 4,
    slotsRefreshTimeout: 2000,
    // Certificates are for host names, which ioredis would replace by addresses.
    dnsLookup: (host, callback) => callback(null, host),
    redisOptions: {
      ...nodeOptions,
      ...(url.username !== '' && { username: decodeURIComponent(url.username) }),
      ...(url.password !== '' && { password: decodeURIComponent(url.password) }),
      ...(url.protocol === 'rediss:' && { tls: {} }),
    },
  })
}

/** True for trouble with the connection; false where Redis itself answered with an error. */
export const isRedisOutage = (error: Error): boolean => error.name !== 'ReplyError'

/** True where the command was never written, so that it certainly was not done. */
export const isNeverSent = (error: Error): boolean =>
  error.message.includes('enableOfflineQueue options is false')

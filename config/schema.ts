import { readFileSync } from 'node:fs'

/**
 * Every setting: its environment variable, how its text is read, its default and one sentence for docs and errors.
 * docs/configuration.md lists the same names (a test compares them). `secret` settings are masked wherever shown.
 */
export type Setting<T> = {
  env: string
  parse(text: string): T
  fallback: T
  about: string
  secret?: true
}

/** Thrown by a parser; its message completes "NAME ". */
export class BadSetting extends Error {}

const text = (value: string): string => value

const oneOf =
  <const T extends string>(...words: T[]) =>
  (value: string): T => {
    const found = words.find((word) => word === value)
    if (found === undefined) throw new BadSetting(`is ${words.join(', ')}, not "${value}"`)
    return found
  }

const whole =
  (min: number, max: number) =>
  (value: string): number => {
    const number = Number(value)
    if (!/^\d+$/.test(value) || number < min || number > max)
      throw new BadSetting(`is a whole number from ${min} to ${max}, not "${value}"`)
    return number
  }

const list = (value: string): string[] =>
  value
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')

const url =
  (...protocols: string[]) =>
  (value: string): string => {
    const parsed = URL.parse(value)
    if (parsed === null && value.includes('@') && protocols.some((p) => value.startsWith(`${p}//`)))
      throw new BadSetting(
        'can not be read: in its user or password / # ? @ : and % are written as %2F %23 %3F %40 %3A and %25',
      )
    if (parsed === null || !protocols.includes(parsed.protocol))
      throw new BadSetting(`is a URL that starts with ${protocols.map((p) => `${p}//`).join(' or ')}`)
    return value
  }

/** A URL whose client throws, when it is made, where user or password can not be decoded. */
const urlWithPassword =
  (...protocols: string[]) =>
  (value: string): string => {
    const { username, password } = new URL(url(...protocols)(value))
    try {
      decodeURIComponent(`${username}:${password}`)
    } catch {
      throw new BadSetting('has a "%" in its user or password that is not encoded: write it as %25')
    }
    return value
  }

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

/** `5s` `30s` `2m` `10m` `1h` `250ms` as ms. Throws BadSetting. */
function parseDurationMs(value: string): number {
  const match = /^(\d{1,9})(ms|s|m|h)$/.exec(value)
  if (!match) throw new BadSetting(`has durations like 250ms, 5s, 2m or 1h, not "${value}"`)
  return Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS]
}

/** A comma-separated list of durations: n entries are n retries. Throws BadSetting. */
export function parseScheduleMs(value: string): readonly number[] {
  const entries = list(value)
  if (entries.length > 50) throw new BadSetting('has at most 50 entries')
  return entries.map(parseDurationMs)
}

const nullable =
  <T>(parse: (value: string) => T) =>
  (value: string): T | null =>
    parse(value)

const keyText = (value: string): string => {
  if (!/^[\x21-\x7e]{32,200}$/.test(value))
    throw new BadSetting('is 32 to 200 printable characters without spaces')
  return value
}

const setting = <T>(definition: Setting<T>): Setting<T> => definition

export const SETTINGS = {
  port: setting({
    env: 'PORT',
    parse: whole(0, 65535),
    fallback: 8080,
    about: 'Port of the HTTP server; 0 takes a free one.',
  }),
  host: setting({
    env: 'HOST',
    parse: text,
    fallback: '127.0.0.1',
    about: 'Address the HTTP server listens on.',
  }),
  publicUrl: setting({
    env: 'PUBLIC_URL',
    parse: nullable(url('http:', 'https:')),
    fallback: null,
    about: 'Where advertisers and affiliates reach the relay, e.g. https://relay.example.com.',
  }),
  trustedProxies: setting({
    env: 'TRUSTED_PROXIES',
    parse: list,
    fallback: [],
    about: 'Addresses or CIDR ranges of reverse proxies whose X-Forwarded-For is believed.',
  }),
  egressIps: setting({
    env: 'EGRESS_IPS',
    parse: list,
    fallback: [],
    about: 'Addresses that deliveries come from, shown to affiliates for their allow lists.',
  }),
  role: setting({
    env: 'ROLE',
    parse: oneOf('all', 'api', 'worker'),
    fallback: 'all',
    about: 'What this process does: all, api or worker.',
  }),
  workerProcesses: setting({
    env: 'WORKER_PROCESSES',
    parse: whole(0, 64),
    fallback: 1,
    about: 'Worker processes that ROLE=all starts.',
  }),
  databaseUrl: setting({
    env: 'DATABASE_URL',
    parse: nullable(url('postgres:', 'postgresql:')),
    fallback: null,
    about: 'PostgreSQL 14 or newer; without it an embedded one runs in DATA_DIR.',
    secret: true,
  }),
  redisUrl: setting({
    env: 'REDIS_URL',
    parse: nullable(urlWithPassword('redis:', 'rediss:')),
    fallback: null,
    about: 'Redis 7 or Valkey for the queues; without it they are in Postgres.',
    secret: true,
  }),
  queueShards: setting({
    env: 'QUEUE_SHARDS',
    parse: whole(1, 64),
    fallback: 1,
    about: 'Number of queue shards on a Redis Cluster.',
  }),
  dataDir: setting({
    env: 'DATA_DIR',
    parse: text,
    fallback: './data',
    about: 'Folder of the embedded Postgres and the generated secrets.',
  }),
  adminKey: setting({
    env: 'ADMIN_KEY',
    parse: nullable(keyText),
    fallback: null,
    about: 'A key with the role admin, valid as long as it is set; else one is generated and printed once.',
    secret: true,
  }),
  secretsKey: setting({
    env: 'SECRETS_KEY',
    parse: nullable(keyText),
    fallback: null,
    about: 'Encrypts stored secrets; else one is generated into DATA_DIR.',
    secret: true,
  }),
  httpClient: setting({
    env: 'DELIVERY_HTTP_CLIENT',
    parse: oneOf('got', 'undici'),
    fallback: 'got',
    about: 'HTTP client of deliveries.',
  }),
  deliveryTimeoutMs: setting({
    env: 'DELIVERY_TIMEOUT_MS',
    parse: whole(100, 600_000),
    fallback: 10_000,
    about: 'Longest time for one attempt, from connecting to the last byte.',
  }),
  deliveryConcurrency: setting({
    env: 'DELIVERY_CONCURRENCY',
    parse: whole(1, 10_000),
    fallback: 256,
    about: 'Open calls per worker process.',
  }),
  retryScheduleMs: setting({
    env: 'RETRY_SCHEDULE',
    parse: parseScheduleMs,
    fallback: parseScheduleMs('5s,30s,2m,10m,30m,1h,2h,4h,8h,12h,24h'),
    about: 'Waits before each retry; n entries are n retries.',
  }),
  leaseMs: setting({
    env: 'LEASE_MS',
    parse: whole(1000, 3_600_000),
    fallback: 60_000,
    about: 'How long a worker holds a batch without renewing it.',
  }),
  sweepIntervalMs: setting({
    env: 'SWEEP_INTERVAL_MS',
    parse: whole(10, 60_000),
    fallback: 250,
    about: 'How often waiting work is looked for.',
  }),
  outboundAllowCidrs: setting({
    env: 'OUTBOUND_ALLOW_CIDRS',
    parse: list,
    fallback: [],
    about: 'Ranges that may be called although they are not public (tests, demos).',
  }),
  outboundProxy: setting({
    env: 'OUTBOUND_PROXY',
    parse: nullable(urlWithPassword('http:')),
    fallback: null,
    about: 'Egress proxy that takes CONNECT.',
    secret: true,
  }),
  retentionBodiesDays: setting({
    env: 'RETENTION_BODIES_DAYS',
    parse: whole(1, 3650),
    fallback: 30,
    about: 'How long request and answer bodies and raw calls are kept.',
  }),
  retentionDays: setting({
    env: 'RETENTION_DAYS',
    parse: whole(1, 3650),
    fallback: 400,
    about: 'How long clicks, revisions, deliveries and attempts are kept.',
  }),
  parkedDays: setting({
    env: 'PARKED_DAYS',
    parse: whole(1, 3650),
    fallback: 30,
    about: 'How long a conversion with an unknown click is retried.',
  }),
  shutdownGraceMs: setting({
    env: 'SHUTDOWN_GRACE_MS',
    parse: whole(1000, 600_000),
    fallback: 15_000,
    about: 'Longest time from SIGTERM to exit.',
  }),
  logLevel: setting({
    env: 'LOG_LEVEL',
    parse: oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
    fallback: 'info',
    about: 'Least severe log line that is written.',
  }),
} as const

export type SettingName = keyof typeof SETTINGS

/** All settings, read and checked; frozen. Times are in ms, days where the name says so. */
export type Config = { readonly [Name in SettingName]: ReturnType<(typeof SETTINGS)[Name]['parse']> } & {
  readonly version: string
}

/** The version of package.json, its one home. */
export const VERSION: string = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
).version

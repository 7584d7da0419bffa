const VERSION_MIN = 7

export type RedisServerCheck = { version: string | null; tooOld: boolean; evictionPolicy: string | null }

/** Reads the answer of INFO. A Valkey also names a redis_version, for compatibility; any Valkey will do. */
export function readRedisInfo(info: string): RedisServerCheck {
  const field = (name: string): string | null =>
    new RegExp(`^${name}:(.+?)\\r?$`, 'm').exec(info)?.[1] ?? null
  const valkey = field('valkey_version')
  const version = valkey ?? field('redis_version')
  const major = Number.parseInt(version ?? '', 10)
  return {
    version,
    tooOld: valkey === null && major < VERSION_MIN,
    evictionPolicy: field('maxmemory_policy'),
  }
}

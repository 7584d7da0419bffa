import { isAddressRange } from './address-range.ts'
import { BadSetting, type Config, SETTINGS, VERSION } from './schema.ts'

/** One line per bad setting, each naming the setting and the fix. */
export class ConfigError extends Error {
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/**
 * Reads all settings from an environment. Pure. An empty variable counts as unset.
 * Throws ConfigError with every problem at once.
 */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const problems: string[] = []
  const values: Record<string, unknown> = { version: VERSION }
  for (const [name, setting] of Object.entries(SETTINGS)) {
    const text = env[setting.env]?.trim()
    try {
      values[name] = text === undefined || text === '' ? setting.fallback : setting.parse(text)
    } catch (error) {
      if (!(error instanceof BadSetting)) throw error
      problems.push(`${setting.env} ${error.message}`)
      values[name] = setting.fallback
    }
  }
  const config = values as Config
  problems.push(...crossChecks(config))
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze(config)
}

const GRACE_RESERVE_MS = 4000
const LEASE_RESERVE_MS = 5000

function crossChecks(config: Config): string[] {
  const problems: string[] = []
  const leaseMin = config.deliveryTimeoutMs + LEASE_RESERVE_MS
  if (config.leaseMs < leaseMin)
    problems.push(`LEASE_MS is at least DELIVERY_TIMEOUT_MS + 5000 = ${leaseMin}, not ${config.leaseMs}`)
  const timeoutMax = config.shutdownGraceMs - GRACE_RESERVE_MS
  if (config.deliveryTimeoutMs > timeoutMax)
    problems.push(
      `DELIVERY_TIMEOUT_MS is at most SHUTDOWN_GRACE_MS - 4000 = ${timeoutMax}, not ${config.deliveryTimeoutMs}; raise SHUTDOWN_GRACE_MS or lower the timeout`,
    )
  if (config.role !== 'all' && config.databaseUrl === null)
    problems.push(
      `DATABASE_URL is needed where ROLE is ${config.role}: the embedded Postgres belongs to ROLE=all`,
    )
  for (const range of [...config.outboundAllowCidrs, ...config.trustedProxies])
    if (!isAddressRange(range))
      problems.push(
        `OUTBOUND_ALLOW_CIDRS and TRUSTED_PROXIES hold addresses or ranges like 10.0.0.0/8, not "${range}"`,
      )
  for (const range of config.trustedProxies.filter((one) => /\/0+$/.test(one)))
    problems.push(
      `TRUSTED_PROXIES can not hold "${range}", which is everybody: then any caller could claim any address; name the addresses of your proxies`,
    )
  if (config.queueShards > 1 && config.redisUrl === null)
    problems.push(
      `QUEUE_SHARDS is 1 where REDIS_URL is not set, not ${config.queueShards}: shards need a Redis Cluster; set REDIS_URL to one of its nodes or leave QUEUE_SHARDS out`,
    )
  return problems
}

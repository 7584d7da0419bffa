import { setTimeout as wait } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Config } from '../config/schema.ts'
import { createCatalogue } from './catalogue/create-catalogue.ts'
import type { Context } from './context.ts'
import { openDatabase } from './db/database.ts'
import { createRoads } from './dispatch/create-roads.ts'
import { systemClock } from './kit/clock.ts'
import { createSecretBox } from './kit/secret-box.ts'
import { createOutbound } from './outbound/create-outbound.ts'
import { createQueues } from './queue/create-queues.ts'
import { startMetricFlush } from './reports/metric-totals.ts'
import { createMetrics } from './reports/metrics.ts'
import { assertSecretsKeyFits } from './secrets-key.ts'

const CLOSE_MS_MAX = 1000

export type Boot = { ctx: Context; close(): Promise<void> }

/**
 * Opens everything a process runs on: the only place where databases, queues and HTTP pools are opened. `close` closes
 * them in reverse order. Throws StartError.
 */
export async function boot(options: {
  config: Config
  log: Logger
  databaseUrl: string
  secretsKey: string
}): Promise<Boot> {
  const { config, log, databaseUrl } = options
  const clock = systemClock
  const db = openDatabase({
    connectionString: databaseUrl,
    log,
    applicationName: `postback-relay ${config.role}`,
  })
  const secrets = createSecretBox(options.secretsKey)
  try {
    await assertSecretsKeyFits(db.reads, secrets)
    const catalogue = await createCatalogue({ db, log, clock })
    const queues = createQueues({ config, log, db, databaseUrl })
    const roads = createRoads({ db, log })
    const outbound = createOutbound({ config, log })
    const metrics = createMetrics()
    const metricFlush = startMetricFlush({ db, log, metrics })
    const closeAll = async (): Promise<void> => {
      await outbound.close()
      await roads.close()
      await queues.close()
      catalogue.close()
      await metricFlush.close()
      await db.close()
    }
    // Saying goodbye to a Redis that is away may hang.
    const close = (): Promise<void> =>
      Promise.race([closeAll(), wait(CLOSE_MS_MAX, undefined, { ref: false })])
    return { ctx: { config, log, clock, db, catalogue, queues, roads, outbound, secrets, metrics }, close }
  } catch (error) {
    await db.close()
    throw error
  }
}

import type { Logger } from 'pino'
import type { Config } from '../config/schema.ts'
import type { Catalogue } from './catalogue/catalogue.ts'
import type { Database } from './db/database.ts'
import type { Roads } from './dispatch/roads.ts'
import type { Clock } from './kit/clock.ts'
import type { SecretBox } from './kit/secret-box.ts'
import type { Outbound } from './outbound/outbound.ts'
import type { Queues } from './queue/queues.ts'
import type { Metrics } from './reports/metrics.ts'

/** What the program runs on. Built once, by boot.ts or a test; a use case asks for what it touches with Pick. */
export type Context = {
  config: Config
  log: Logger
  clock: Clock
  db: Database
  catalogue: Catalogue
  queues: Queues
  roads: Roads
  outbound: Outbound
  secrets: SecretBox
  metrics: Metrics
}

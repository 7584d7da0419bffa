import type { Logger } from 'pino'
import type { Config } from '../../config/schema.ts'
import { startEmbeddedPostgres } from '../db/embedded-postgres.ts'
import { migrate } from '../db/migrate.ts'
import { prepareDatabase } from '../db/prepare-database.ts'
import { reachDatabase } from '../db/reach-database.ts'
import type { Shown } from './command.ts'

const STOP_MS = 10_000

/** Applies pending migrations to DATABASE_URL or the embedded PostgreSQL. Throws StartError. */
export async function runMigrate(config: Config, log: Logger): Promise<Shown> {
  if (config.databaseUrl !== null) return migrateDatabase(config.databaseUrl, log)
  const postgres = await startEmbeddedPostgres({ dataDir: config.dataDir, log })
  try {
    return await migrateDatabase(postgres.connectionString, log)
  } finally {
    await postgres.stop(STOP_MS)
  }
}

async function migrateDatabase(databaseUrl: string, log: Logger): Promise<Shown> {
  await reachDatabase(databaseUrl)
  const applied = await migrate(databaseUrl)
  await prepareDatabase(databaseUrl, { mayMigrate: true, log })
  return {
    json: { applied },
    text: applied.length === 0 ? 'The database is up to date.' : `Applied ${applied.join(', ')}.`,
  }
}

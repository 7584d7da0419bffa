import type { Logger } from 'pino'
import { type Database, openDatabase } from './database.ts'
import { assertMigrated, migrate } from './migrate.ts'
import { ensurePartitions } from './partitions.ts'
import { reachDatabase } from './reach-database.ts'

/**
 * Sees to it that this code can run on the database: reachable, of this version, with partitions for now. Throws
 * StartError, also where migrations are pending and this process may not apply them.
 */
export async function prepareDatabase(
  databaseUrl: string,
  { mayMigrate, log }: { mayMigrate: boolean; log: Logger },
): Promise<void> {
  await reachDatabase(databaseUrl)
  const applied = mayMigrate ? await migrate(databaseUrl) : []
  if (applied.length > 0) log.info({ applied }, 'migrations applied')
  const db = openDatabase({ connectionString: databaseUrl, log, applicationName: 'postback-relay start' })
  try {
    await check(db, mayMigrate)
  } finally {
    await db.close()
  }
}

async function check(db: Database, mayMigrate: boolean): Promise<void> {
  await assertMigrated(db.reads)
  if (mayMigrate) await ensurePartitions(db.reads, Date.now())
}

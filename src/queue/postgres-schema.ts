import { assertSchemaCompatibility, LATEST_SCHEMA_VERSION, runMigrations } from 'bullmq'
import { type DbPool, sqlState } from '../db/database.ts'

export const QUEUE_SCHEMA = 'bullmq'

const UNDEFINED_TABLE = '42P01'

/**
 * Brings BullMQ's own tables up to the version this BullMQ knows. Safe to call from many processes at once: BullMQ
 * takes an advisory lock, and where nothing is to do only one row is read.
 */
export async function migrateQueueSchema(db: DbPool): Promise<void> {
  const client = await db.connect()
  let broken: Error | undefined
  try {
    if ((await readVersion(client)) < LATEST_SCHEMA_VERSION)
      await runMigrations(client, QUEUE_SCHEMA, { skipVersionCheck: true })
  } catch (error) {
    broken = error instanceof Error ? error : undefined
    throw error
  } finally {
    client.release(broken)
  }
}

async function readVersion(client: Parameters<typeof assertSchemaCompatibility>[0]): Promise<number> {
  try {
    return await assertSchemaCompatibility(client, QUEUE_SCHEMA, { skipVersionCheck: true })
  } catch (error) {
    const isMissing =
      sqlState(error) === UNDEFINED_TABLE ||
      (error instanceof Error && error.name === 'SchemaMigrationRequiredError')
    if (isMissing) return 0
    throw error
  }
}

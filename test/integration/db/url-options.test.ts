import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'
import { openDatabase } from '../../../src/db/database.ts'
import { createTestDatabase } from '../../support/postgres.ts'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

test('options in DATABASE_URL are kept beside our own, of which statement limits and UTC are', async () => {
  const database = await createTestDatabase()
  cleanups.push(database.drop)
  const url = new URL(database.connectionString)
  url.searchParams.set('options', '-c search_path=public,extra -c timezone=Asia/Tokyo')
  const db = openDatabase({
    connectionString: url.href,
    log: pino({ level: 'silent' }),
    applicationName: 'test',
  })
  cleanups.push(db.close)
  const { rows } = await db.intake.query({
    text: `select current_setting('search_path') as path, current_setting('statement_timeout') as statement,
      current_setting('idle_in_transaction_session_timeout') as idle, current_setting('timezone') as zone`,
  })
  expect(rows).toEqual([{ path: 'public,extra', statement: '5s', idle: '10s', zone: 'UTC' }])
})

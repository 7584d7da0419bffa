// A program that a test starts, and kills: runs the embedded PostgreSQL in argv[2] and prints one line when it answers.
import { pino } from 'pino'
import { startEmbeddedPostgres } from '../../src/db/embedded-postgres.ts'

try {
  const postgres = await startEmbeddedPostgres({
    dataDir: process.argv[2] ?? '',
    log: pino({ level: 'silent' }),
    settings: { fsync: 'off', shared_buffers: '16MB' },
  })
  process.on('SIGTERM', () => postgres.stop(5000).then(() => process.exit(0)))
  process.stdout.write(`${postgres.connectionString}\n`)
  // The server itself does not keep this process alive.
  setInterval(() => undefined, 60_000)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exit(1)
}

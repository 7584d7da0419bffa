import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { pino } from 'pino'
import type { TestProject } from 'vitest/node'
import { lockDataDir } from '../../src/db/data-dir-lock.ts'
import type { DbPool } from '../../src/db/database.ts'
import { startEmbeddedPostgres } from '../../src/db/embedded-postgres.ts'
import { migrate } from '../../src/db/migrate.ts'
import { ensurePartitions } from '../../src/db/partitions.ts'
import { findPostmaster, stopPostmaster } from '../../src/db/postmaster.ts'
import { ensureRedisServer } from './redis-install.ts'

/** What the tests of one run share: a PostgreSQL with a migrated template, and whether Redis is there. */
export type TestServices = { postgresUrl: string; template: string; redisServer: string | null }

declare module 'vitest' {
  interface ProvidedContext {
    services: TestServices
  }
}

const DIR_PREFIX = 'relay-tests-'
const TEMPLATE = 'relay_template'
const RUNNING = Symbol.for('postback-relay.test-services')

type Running = { services: TestServices; users: number; stop(): Promise<void> }
type Shared = { [RUNNING]?: Promise<Running> }

/** Each project calls this; all of a run share one server, stopped by the last. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const shared = globalThis as Shared
  shared[RUNNING] ??= startServices()
  const running = await shared[RUNNING]
  running.users++
  project.provide('services', running.services)
  return async () => {
    running.users--
    if (running.users > 0) return
    delete shared[RUNNING]
    await running.stop()
  }
}

async function startServices(): Promise<Running> {
  await removeAbandoned()
  const dataDir = await mkdtemp(join(tmpdir(), DIR_PREFIX))
  const postgres = await startEmbeddedPostgres({
    dataDir,
    log: pino({ level: 'warn' }),
    settings: {
      fsync: 'off',
      full_page_writes: 'off',
      max_connections: '400',
      shared_buffers: '128MB',
      max_wal_size: '4GB',
    },
  })
  const stop = async (): Promise<void> => {
    await postgres.stop(2000)
    await rm(dataDir, { recursive: true, force: true })
  }
  try {
    await makeTemplate(postgres.connectionString)
    const services = {
      postgresUrl: postgres.connectionString,
      template: TEMPLATE,
      redisServer: await ensureRedisServer(),
    }
    return { services, users: 0, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Ends the servers of test runs that were killed. */
async function removeAbandoned(): Promise<void> {
  const names = await readdir(tmpdir())
  for (const name of names.filter((found) => found.startsWith(DIR_PREFIX))) {
    const dir = join(tmpdir(), name)
    const lock = await lockDataDir(dir).catch(() => null)
    if (lock === null) continue
    const server = await findPostmaster(join(dir, 'postgres')).catch(() => null)
    if (server !== null) await stopPostmaster(server, 1000)
    await rm(dir, { recursive: true, force: true })
    await lock.release()
  }
}

async function makeTemplate(postgresUrl: string): Promise<void> {
  const admin = new pg.Client({ connectionString: postgresUrl })
  await admin.connect()
  await admin.query(`create database ${TEMPLATE}`)
  await admin.end()
  const url = new URL(postgresUrl)
  url.pathname = `/${TEMPLATE}`
  await migrate(url.href)
  const pool = new pg.Pool({ connectionString: url.href, max: 1 })
  await ensurePartitions(pool as unknown as DbPool, Date.now())
  await pool.end()
}

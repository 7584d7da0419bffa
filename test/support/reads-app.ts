import pino from 'pino'
import { loadConfig } from '../../config/load.ts'
import { createCatalogue } from '../../src/catalogue/create-catalogue.ts'
import type { Context } from '../../src/context.ts'
import { openDatabase } from '../../src/db/database.ts'
import { conversionReadRoutes } from '../../src/deliveries/conversion-routes.ts'
import { deliveryRoutes } from '../../src/deliveries/routes.ts'
import { traceRoutes } from '../../src/deliveries/trace-routes.ts'
import { buildServer } from '../../src/http/server.ts'
import { systemClock } from '../../src/kit/clock.ts'
import { createSecretBox } from '../../src/kit/secret-box.ts'
import { healthRoutes } from '../../src/reports/health-routes.ts'
import { createMetrics } from '../../src/reports/metrics.ts'
import { reportRoutes } from '../../src/reports/routes.ts'
import { createTestDatabase } from './postgres.ts'
import { createRows } from './rows.ts'

const noQueues: Context['queues'] = {
  backend: 'redis',
  hint: async () => 'failed',
  room: () => 0,
  take: () => undefined,
  work: () => ({ close: async () => undefined }),
  problem: () => null,
  close: async () => undefined,
}

/** The routes that people read from, on a database of its own; keys are not asked for. Queues and outbound are absent. */
export async function startReadsApp(options: { queueProblem?: string } = {}) {
  const database = await createTestDatabase()
  const config = loadConfig({ LOG_LEVEL: 'silent' })
  const log = pino({ level: 'silent' })
  const db = openDatabase({
    connectionString: database.connectionString,
    log,
    applicationName: 'test',
    sizes: { intake: 1, results: 1, reads: 3 },
  })
  const catalogue = await createCatalogue({ db, log, clock: systemClock })
  const ctx: Context = {
    config,
    log,
    clock: systemClock,
    db,
    catalogue,
    queues: { ...noQueues, problem: () => options.queueProblem ?? null },
    roads: { isDirect: () => true, close: async () => undefined },
    outbound: { send: async () => ({ kind: 'not_sent' }), close: async () => undefined },
    secrets: createSecretBox('a secrets key of thirty-two characters'),
    metrics: createMetrics(),
  }
  const server = buildServer(ctx)
  server.decorateRequest('principal', null)
  server.addHook('onRequest', async (request) => {
    request.principal = { role: 'admin', keyId: null, name: 'test' }
  })
  await server.register(healthRoutes(ctx))
  await server.register(
    async (v1) => {
      await v1.register(reportRoutes(ctx))
      await v1.register(deliveryRoutes(ctx))
      await v1.register(conversionReadRoutes(ctx))
      await v1.register(traceRoutes(ctx))
    },
    { prefix: '/v1' },
  )
  await server.ready()

  return {
    ctx,
    rows: createRows(db.reads),
    database,
    async get(url: string) {
      const answer = await server.inject({ method: 'GET', url })
      return {
        status: answer.statusCode,
        headers: answer.headers,
        text: answer.body,
        json: parse(answer.body),
      }
    },
    async post(url: string, body?: object) {
      const answer = await server.inject({ method: 'POST', url, ...(body && { payload: body }) })
      return { status: answer.statusCode, json: parse(answer.body) }
    },
    async close() {
      await server.close()
      catalogue.close()
      await db.close()
      await database.drop()
    },
  }
}

// biome-ignore lint/suspicious/noExplicitAny: answers are checked by the tests' own assertions
const parse = (body: string): any => {
  try {
    return JSON.parse(body)
  } catch {
    return null
  }
}

export type ReadsApp = Awaited<ReturnType<typeof startReadsApp>>

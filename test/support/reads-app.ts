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
import { healthRoutes } from '../../src/reports/health-routes.ts'
import { reportRoutes } from '../../src/reports/routes.ts'
import { absentParts, parseAnswer } from './absent-parts.ts'
import { createTestDatabase } from './postgres.ts'
import { createRows } from './rows.ts'

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
  const absent = absentParts()
  const ctx: Context = {
    ...absent,
    config,
    log,
    clock: systemClock,
    db,
    catalogue,
    queues: { ...absent.queues, problem: () => options.queueProblem ?? null },
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
        json: parseAnswer(answer.body),
      }
    },
    async post(url: string, body?: object) {
      const answer = await server.inject({ method: 'POST', url, ...(body && { payload: body }) })
      return { status: answer.statusCode, json: parseAnswer(answer.body) }
    },
    async close() {
      await server.close()
      catalogue.close()
      await db.close()
      await database.drop()
    },
  }
}

export type ReadsApp = Awaited<ReturnType<typeof startReadsApp>>

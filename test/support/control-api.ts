import type { InjectOptions } from 'fastify'
import pino from 'pino'
import { loadConfig } from '../../config/load.ts'
import { buildApp } from '../../src/app.ts'
import { createCatalogue } from '../../src/catalogue/create-catalogue.ts'
import type { Context } from '../../src/context.ts'
import { openDatabase } from '../../src/db/database.ts'
import { createIntake } from '../../src/intake/create-intake.ts'
import { systemClock } from '../../src/kit/clock.ts'
import { absentParts, parseAnswer } from './absent-parts.ts'
import { createTestDatabase, type TestDatabase } from './postgres.ts'

export const ADMIN_KEY = 'an-admin-key-of-thirty-two-chars!'

export type Answer = {
  status: number
  headers: Record<string, string | string[] | number | undefined>
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: answers are checked by the tests' own assertions
  json: any
}

/** One API process on a real database; a second one shares it by `database`. Queues and outbound are absent. */
export async function startControlApi(
  options: {
    database?: TestDatabase
    env?: Record<string, string>
    lines?: string[]
    lookUp?: () => Promise<string[]>
  } = {},
) {
  const database = options.database ?? (await createTestDatabase())
  const config = loadConfig({ LOG_LEVEL: 'info', ADMIN_KEY, ...options.env })
  const log = pino({ level: 'info' }, { write: (line) => void options.lines?.push(line) })
  const db = openDatabase({
    connectionString: database.connectionString,
    log,
    applicationName: 'test',
    sizes: { intake: 2, results: 1, reads: 3 },
  })
  const catalogue = await createCatalogue({ db, log, clock: systemClock })
  const ctx: Context = {
    config,
    log,
    clock: systemClock,
    db,
    catalogue,
    ...absentParts(),
  }
  const intake = createIntake(ctx)
  const app = await buildApp(ctx, { intake, lookUp: options.lookUp ?? (async () => ['9.9.9.9']) })

  const call = async (request: InjectOptions): Promise<Answer> => {
    const answer = await app.inject(request)
    return {
      status: answer.statusCode,
      headers: answer.headers,
      text: answer.body,
      json: parseAnswer(answer.body),
    }
  }
  const asAdmin = (
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    url: string,
    body?: unknown,
  ): Promise<Answer> =>
    call({
      method,
      url: `/v1${url}`,
      headers: {
        authorization: `Bearer ${ADMIN_KEY}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
    })

  return {
    app,
    ctx,
    db,
    database,
    call,
    get: (url: string) => asAdmin('GET', url),
    post: (url: string, body?: unknown) => asAdmin('POST', url, body),
    patch: (url: string, body: unknown) => asAdmin('PATCH', url, body),
    delete: (url: string) => asAdmin('DELETE', url),
    async list<Row extends Record<string, unknown>>(text: string, values: unknown[] = []): Promise<Row[]> {
      return (await db.reads.query<Row>({ text, values })).rows
    },
    async close() {
      await app.close()
      await intake.close()
      catalogue.close()
      await db.close()
      if (options.database === undefined) await database.drop()
    },
  }
}

export type ControlApi = Awaited<ReturnType<typeof startControlApi>>

/** An advertiser, an offer of it and an affiliate. */
export async function createNetwork(api: ControlApi, offer: object = {}) {
  const advertiser = (await api.post('/advertisers', { name: 'Shop' })).json
  const affiliate = (await api.post('/affiliates', { name: 'Anna' })).json
  const created = await api.post('/offers', {
    advertiser_id: advertiser.id,
    name: 'Shoes',
    landing_url: 'https://shop.example/?click={network_click_id}',
    payout: { type: 'fixed', value: '12.5', currency: 'EUR' },
    ...offer,
  })
  return { advertiser, affiliate, offer: created.json }
}

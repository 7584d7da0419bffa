import pino from 'pino'
import { loadConfig } from '../../config/load.ts'
import { createCatalogue } from '../../src/catalogue/create-catalogue.ts'
import type { Context } from '../../src/context.ts'
import { openDatabase } from '../../src/db/database.ts'
import { createFailedAttempts } from '../../src/http/failed-attempts.ts'
import { buildServer } from '../../src/http/server.ts'
import { refuseUnstorableText } from '../../src/http/text-check.ts'
import { conversionReportRoutes } from '../../src/intake/conversion-routes.ts'
import { createIntake } from '../../src/intake/create-intake.ts'
import { inboundCallRoutes } from '../../src/intake/inbound-call-routes.ts'
import type { Intake } from '../../src/intake/intake.ts'
import { postbackRoutes } from '../../src/intake/routes.ts'
import { type Clock, systemClock } from '../../src/kit/clock.ts'
import { encodeId, type Uuid } from '../../src/kit/ids.ts'
import { hashSecret, newSecret } from '../../src/kit/secret-box.ts'
import { absentParts, parseAnswer } from './absent-parts.ts'
import { createTestDatabase } from './postgres.ts'
import { createRows } from './rows.ts'

type Options = { wrapIntake?: (intake: Intake) => Intake }
type AdvertiserRow = Record<string, unknown>

/** What advertisers call, listening, on a database of its own. Nothing is delivered; /v1 asks for no key. */
export async function startIntakeApp({ wrapIntake = (intake) => intake }: Options = {}) {
  const database = await createTestDatabase()
  const log = pino({ level: 'silent' })
  const { connectionString } = database
  const db = openDatabase({
    connectionString,
    log,
    applicationName: 'test',
    sizes: { intake: 4, results: 1, reads: 3 },
  })
  const time = { aheadMs: 0 }
  const clock: Clock = {
    now: () => new Date(Date.now() + time.aheadMs),
    nowMs: () => Date.now() + time.aheadMs,
    monotonicMs: systemClock.monotonicMs,
  }
  const catalogue = await createCatalogue({ db, log, clock, pollIntervalMs: 3_600_000 })
  const ctx: Context = {
    config: loadConfig({ LOG_LEVEL: 'silent', TRUSTED_PROXIES: '127.0.0.1' }),
    log,
    clock,
    db,
    catalogue,
    ...absentParts(),
  }
  const intake = wrapIntake(createIntake(ctx))
  const server = buildServer(ctx)
  server.decorateRequest('principal', null)
  await server.register(postbackRoutes(ctx, { intake, failedAttempts: createFailedAttempts(clock) }))
  await server.register(
    async (v1) => {
      refuseUnstorableText(v1)
      await v1.register(conversionReportRoutes(ctx, { intake }))
      await v1.register(inboundCallRoutes(ctx, { intake }))
    },
    { prefix: '/v1' },
  )
  const address = await server.listen({ host: '127.0.0.1', port: 0 })
  const rows = createRows(db.reads)

  const call = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`${address}${path}`, { method: init.body ? 'POST' : 'GET', ...init })
    const text = await answer.text()
    return { status: answer.status, headers: answer.headers, text, json: parseAnswer(text) }
  }

  return {
    ctx,
    db: db.reads,
    rows,
    address,
    time,
    call,
    /** An advertiser with one offer, and an affiliate with one destination, as another process makes them: not in the cache. */
    async foreignNetwork(row: AdvertiserRow = {}) {
      const token = newSecret('adv')
      const advertiserId = await rows.advertiser({ token_hash: hashSecret(token), ...row })
      const offerId = await rows.offer(advertiserId)
      const affiliateId = await rows.affiliate()
      const destinationId = await rows.destination(affiliateId)
      return { token, advertiserId, offerId, affiliateId, destinationId }
    },
    async network(row: AdvertiserRow = {}) {
      const network = await this.foreignNetwork(row)
      await catalogue.refresh()
      return network
    },
    click: (network: { affiliateId: Uuid; offerId: Uuid }, clickId: string) =>
      rows.click({ ...network, clickId, affiliateClickId: `their-${clickId}` }),
    async update(advertiserId: Uuid, column: string, value: unknown) {
      await db.reads.query({
        text: `with v as (update catalogue_version set n = n + 1 returning n)
          update advertisers set ${column} = $2, changed_in = v.n from v where id = $1`,
        values: [advertiserId, value],
      })
      await catalogue.refresh()
    },
    /** Every stored call with its raw request, oldest first. */
    async storedCalls() {
      const { rows: found } = await db.reads.query<StoredRow>({
        text: `select i.id, i.advertiser_id, i.result, i.code, i.message, i.field, i.http_status, i.click_id, i.transaction_id, i.source, r.request
          from inbound_calls i left join inbound_raw r on r.id = i.id order by i.id`,
      })
      return found.map((row) => ({ ...row, wireId: encodeId('inboundCall', row.id) }))
    },
    async close() {
      await server.close()
      await intake.close()
      catalogue.close()
      await db.close()
      await database.drop()
    },
  }
}

type StoredRow = {
  id: Uuid
  advertiser_id: Uuid | null
  result: string
  code: string | null
  message: string | null
  field: string | null
  http_status: number
  click_id: string | null
  transaction_id: string | null
  source: string
  request: {
    method: string
    url: string
    headers: Record<string, string>
    body: string | null
    truncated: boolean
  }
}

export type IntakeApp = Awaited<ReturnType<typeof startIntakeApp>>

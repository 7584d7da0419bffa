import pino from 'pino'
import { loadConfig } from '../../config/load.ts'
import { boot } from '../../src/boot.ts'
import { startWorker } from '../../src/dispatch/start-worker.ts'
import { startApi } from '../../src/start-api.ts'
import { eventually } from './eventually.ts'
import { createTestDatabase } from './postgres.ts'
import type { Json } from './relay-client.ts'

const ADMIN_KEY = 'an-admin-key-of-thirty-two-chars!'

const SETTINGS = {
  ADMIN_KEY,
  LOG_LEVEL: 'warn',
  PORT: '0',
  OUTBOUND_ALLOW_CIDRS: '127.0.0.0/8',
  RETRY_SCHEDULE: '10ms,10ms',
  SWEEP_INTERVAL_MS: '20',
}

export type ShownDelivery = {
  id: string
  state: string
  reason: string | null
  revision: number
  status: string
  destination_id: string
  attempts_count: number
  last: { http_status: number | null; verdict: string | null; error: string | null } | null
}

export type Network = { token: string; advertiserId: string; offerId: string; affiliateId: string }

type Report = Record<string, string>

/** API and worker in this process on a database of their own, with the queues in Postgres. */
export async function startWholeRelay(options: { settings?: Record<string, string> } = {}) {
  const database = await createTestDatabase()
  const config = loadConfig({ ...SETTINGS, ...options.settings })
  const log = pino({ level: config.logLevel })
  const secretsKey = 'a secrets key of thirty-two characters'
  const { ctx, close } = await boot({ config, log, databaseUrl: database.connectionString, secretsKey })
  const worker = startWorker(ctx)
  const api = await startApi(ctx)

  const call = async (
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; json: Json; text: string }> => {
    const response = await fetch(api.address + path, {
      method,
      headers: {
        authorization: `Bearer ${ADMIN_KEY}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json') === true
    return { status: response.status, json: isJson ? JSON.parse(text) : null, text }
  }
  /** The answer's body; anything but a 2xx is an error that holds the answer. */
  const ask = async (method: string, path: string, body?: unknown): Promise<Json> => {
    const answer = await call(method, path, body)
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
    return answer.json
  }

  const relay = {
    url: api.address,
    ctx,
    call,
    get: (path: string) => ask('GET', path),
    post: (path: string, body: unknown) => ask('POST', path, body),
    patch: (path: string, body: unknown) => ask('PATCH', path, body),
    /** An advertiser with a pass-through offer, and an affiliate. */
    async network(offer: object = {}): Promise<Network> {
      const advertiser = await relay.post('/v1/advertisers', { name: 'Shop' })
      const made = await relay.post('/v1/offers', {
        advertiser_id: advertiser.id,
        name: 'Sale',
        payout: { type: 'passthrough', currency: 'USD' },
        ...offer,
      })
      const affiliate = await relay.post('/v1/affiliates', { name: 'Traffic' })
      return {
        token: advertiser.token,
        advertiserId: advertiser.id,
        offerId: made.id,
        affiliateId: affiliate.id,
      }
    },
    destination: (network: Network, definition: { url: string; [field: string]: unknown }) =>
      relay.post('/v1/destinations', { affiliate_id: network.affiliateId, ...definition }),
    /** The advertiser reports about a click of the affiliate's tracker; any 2xx. */
    async report(network: Network, said: Report): Promise<Json> {
      const query = new URLSearchParams({
        affiliate_id: network.affiliateId,
        offer_id: network.offerId,
        ...said,
      })
      return relay.get(`/postback/${network.token}?${query}`)
    },
    async deliveries(filter: Record<string, string> = {}): Promise<ShownDelivery[]> {
      const { data } = await relay.get(`/v1/deliveries?${new URLSearchParams({ limit: '100', ...filter })}`)
      return data.reverse()
    },
    /** Waits until nothing is on its way, and returns the deliveries of a conversion, oldest first. */
    settled: (conversionId: string): Promise<ShownDelivery[]> =>
      eventually(async () => {
        const found = await relay.deliveries({ conversion_id: conversionId })
        if (found.length === 0 || found.some((one) => one.state === 'scheduled'))
          throw new Error(`not settled: ${JSON.stringify(found)}`)
        return found
      }),
    async close() {
      await api.close()
      await worker.close()
      await close()
      await database.drop()
    },
  }
  return relay
}

export type WholeRelay = Awaited<ReturnType<typeof startWholeRelay>>

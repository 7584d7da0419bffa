import type { Received, Reply } from '../receiver.ts'
import {
  type AdPlatform,
  isJson,
  type Json,
  jsonReply,
  objectsIn,
  type PlatformEvent,
  parseJson,
  servePlatform,
  type Taken,
  textOf,
} from './ad-platform.ts'

export type Ga4Options = { port?: number; measurementId?: string; apiSecret?: string }

const BACKDATED_MS_MAX = 72 * 3_600_000
const MICROS = 1000
/** DOMAIN.md 4 GA4, general knowledge without a source. */
const EVENTS_MAX = 25

/**
 * DOMAIN.md 4 GA4 [137][143]: POST /mp/collect?measurement_id&api_secret. It never answers with an error, whatever
 * came: what is wrong ends in `lost`. /debug/mp/collect says it in validationMessages, but does not check the secret.
 */
export const startGa4 = (options: Ga4Options = {}): Promise<AdPlatform> =>
  servePlatform((call, taken) => {
    const path = call.url.split('?', 1)[0]
    if (path === '/debug/mp/collect') return debug(call)
    if (path === '/mp/collect') collect(call, taken, options)
    return path === '/mp/collect' ? 204 : { status: 404 }
  }, options.port)

function collect(call: Received, taken: Taken, options: Ga4Options): void {
  const body = parseJson(call.body)
  const problem = call.method !== 'POST' ? 'not a POST' : (keyProblem(call, options) ?? bodyProblem(body))
  const list = objectsIn(body?.events) ?? [{}]
  for (const sent of list) {
    const event = toEvent(sent, body)
    const own = problem ?? ageProblem(event)
    if (own !== null) taken.lose(own, event)
    else
      taken.count(
        event,
        event.id === null ? null : JSON.stringify([event.name, event.id]),
        Number.POSITIVE_INFINITY,
      )
  }
}

const keyProblem = ({ query }: Received, options: Ga4Options): string | null =>
  query.get('measurement_id') !== (options.measurementId ?? 'G-TEST') ||
  query.get('api_secret') !== (options.apiSecret ?? 'ga4-secret')
    ? 'measurement_id or api_secret'
    : null

function bodyProblem(body: Json | null): string | null {
  if (body === null) return 'the body is no JSON object'
  if (textOf(body.client_id) === null) return 'client_id is missing'
  const list = objectsIn(body.events)
  if (list === null || list.length > EVENTS_MAX) return 'events'
  return list.some((sent) => textOf(sent.name) === null) ? 'an event without a name' : null
}

/** DOMAIN.md 4 GA4 [143]: up to 72 hours back. */
const ageProblem = (event: PlatformEvent): string | null =>
  event.time !== null && Date.now() - event.time * 1000 > BACKDATED_MS_MAX ? 'older than 72 hours' : null

/** A purchase is recognised by its transaction_id (DOMAIN.md 4 GA4, general knowledge without a source). */
function toEvent(sent: Json, body: Json | null): PlatformEvent {
  const params = isJson(sent.params) ? sent.params : {}
  const micros = Number(sent.timestamp_micros ?? body?.timestamp_micros)
  const name = textOf(sent.name) ?? ''
  return {
    name,
    id: name === 'purchase' || name === 'refund' ? textOf(params.transaction_id) : null,
    time: Number.isFinite(micros) ? Math.floor(micros / MICROS / 1000) : null,
    sent,
  }
}

function debug(call: Received): Reply {
  const problem = bodyProblem(parseJson(call.body))
  return jsonReply(200, {
    validationMessages: problem === null ? [] : [{ description: problem, validationCode: 'VALUE_INVALID' }],
  })
}

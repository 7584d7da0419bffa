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

export type MetaOptions = { port?: number; pixelId?: string; accessToken?: string }

const AGE_SECONDS_MAX = 7 * 24 * 3600
const DEDUP_MS = 48 * 3_600_000
/** A time so far ahead is one in milliseconds. */
const AHEAD_SECONDS_MAX = 10 * 365 * 24 * 3600

/** DOMAIN.md 4 Meta [138]: POST /VERSION/PIXEL_ID/events?access_token=, form field data=[...] or JSON. */
export const startMeta = (options: MetaOptions = {}): Promise<AdPlatform> =>
  servePlatform((call, taken) => answer(call, taken, options), options.port)

function answer(call: Received, taken: Taken, options: MetaOptions): Reply {
  const [, version = '', pixelId, page] = (call.url.split('?', 1)[0] ?? '').split('/')
  if (call.method !== 'POST' || !/^v\d+\.\d+$/.test(version) || page !== 'events')
    return invalid(404, 'Unknown path')
  if (pixelId !== (options.pixelId ?? '1234567890')) return invalid(400, 'Unsupported post request')
  if (call.query.get('access_token') !== (options.accessToken ?? 'meta-token'))
    return invalid(400, 'Invalid OAuth access token')
  const list = eventsOf(call)
  if (list === null) return invalid(400, 'data must be a list')
  const problem = list.map(problemOf).find((one) => one !== null)
  // DOMAIN.md 4 Meta [139][140]: one bad or too old event fails the whole request with 4xx, nothing is processed.
  if (problem !== undefined) return invalid(400, problem)
  for (const sent of list) take(toEvent(sent), taken)
  // DOMAIN.md 4 Meta [141].
  return jsonReply(200, { events_received: list.length, messages: [] })
}

function eventsOf(call: Received): Json[] | null {
  const isForm = call.headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true
  if (!isForm) return objectsIn(parseJson(call.body)?.data)
  const data = new URLSearchParams(call.body).get('data') ?? ''
  return objectsIn(parseJson(`{"data":${data}}`)?.data)
}

/** DOMAIN.md 4 Meta [139]: event_name, event_time (seconds), user_data; action_source; at most 7 days old. */
function problemOf(sent: Json): string | null {
  if (textOf(sent.event_name) === null) return 'event_name is missing'
  if (typeof sent.event_time !== 'number' || !Number.isInteger(sent.event_time))
    return 'event_time is no unix time'
  if (Date.now() / 1000 - sent.event_time > AGE_SECONDS_MAX) return 'event_time is older than 7 days'
  if (!isJson(sent.user_data) || Object.keys(sent.user_data).length === 0) return 'user_data is missing'
  return textOf(sent.action_source) === null ? 'action_source is missing' : null
}

/** DOMAIN.md 4 Meta: repeats by event_name + event_id for 48 h [139]; milliseconds are a silent fault [142]. */
function take(event: PlatformEvent, taken: Taken): void {
  const key = event.id === null ? null : JSON.stringify([event.name, event.id])
  const isMisdated = (event.time ?? 0) - Date.now() / 1000 > AHEAD_SECONDS_MAX
  if (isMisdated) taken.lose('event_time in milliseconds', event)
  else taken.count(event, key, DEDUP_MS)
}

const toEvent = (sent: Json): PlatformEvent => ({
  name: textOf(sent.event_name) ?? '',
  id: textOf(sent.event_id),
  time: typeof sent.event_time === 'number' ? sent.event_time : null,
  sent,
})

const invalid = (status: number, message: string): Reply =>
  jsonReply(status, { error: { message, type: 'OAuthException', code: 100 } })

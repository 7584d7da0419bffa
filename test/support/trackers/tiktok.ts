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

export type TiktokOptions = { port?: number; pixelCode?: string; accessToken?: string }

/** DOMAIN.md 4 TikTok: error numbers are not found; any but 0 is an error. */
const SOME_ERROR = 40_002
const AHEAD_SECONDS_MAX = 10 * 365 * 24 * 3600

/**
 * DOMAIN.md 4 TikTok [148][149]: POST /open_api/v1.3/event/track/ with the header Access-Token. Errors too are
 * answered 200: only code 0 in the body is a success.
 */
export const startTiktok = (options: TiktokOptions = {}): Promise<AdPlatform> =>
  servePlatform((call, taken) => answer(call, taken, options), options.port)

function answer(call: Received, taken: Taken, options: TiktokOptions): Reply {
  if (call.method !== 'POST' || call.url.split('?', 1)[0] !== '/open_api/v1.3/event/track/')
    return { status: 404 }
  if (call.headers['access-token'] !== (options.accessToken ?? 'tiktok-token'))
    return coded(40_001, 'Access token is incorrect')
  const body = parseJson(call.body)
  if (body === null) return coded(SOME_ERROR, 'The body is no JSON object')
  if (body.event_source !== 'web') return coded(SOME_ERROR, 'event_source')
  if (body.event_source_id !== (options.pixelCode ?? 'PIXEL')) return coded(SOME_ERROR, 'event_source_id')
  const list = objectsIn(body.data)
  if (list === null) return coded(SOME_ERROR, 'data')
  const problem = list.map(problemOf).find((one) => one !== null)
  if (problem !== undefined) return coded(SOME_ERROR, problem)
  // A test event is shown to the developer and not counted.
  if (textOf(body.test_event_code) === null) for (const sent of list) take(toEvent(sent), taken)
  return coded(0, 'OK')
}

/** DOMAIN.md 4 TikTok [148]: event, event_time in seconds, user{}, properties{}. */
function problemOf(sent: Json): string | null {
  if (textOf(sent.event) === null) return 'event is missing'
  if (typeof sent.event_time !== 'number' || !Number.isInteger(sent.event_time)) return 'event_time'
  if (sent.event_time - Date.now() / 1000 > AHEAD_SECONDS_MAX) return 'event_time is in the future'
  if (sent.user !== undefined && !isJson(sent.user)) return 'user'
  if (sent.properties !== undefined && !isJson(sent.properties)) return 'properties'
  const value = isJson(sent.properties) ? sent.properties.value : undefined
  return value === undefined || typeof value === 'number' ? null : 'properties.value is no number'
}

/** For how long an event_id is compared is not documented: for ever here. */
const take = (event: PlatformEvent, taken: Taken): void =>
  taken.count(
    event,
    event.id === null ? null : JSON.stringify([event.name, event.id]),
    Number.POSITIVE_INFINITY,
  )

const toEvent = (sent: Json): PlatformEvent => ({
  name: textOf(sent.event) ?? '',
  id: textOf(sent.event_id),
  time: typeof sent.event_time === 'number' ? sent.event_time : null,
  sent,
})

const coded = (code: number, message: string): Reply =>
  jsonReply(200, { code, message, request_id: 'emulated', data: {} })

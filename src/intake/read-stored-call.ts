import type { Advertiser } from '../catalogue/catalogue.ts'
import { OPTION_NAMES } from './call-options.ts'
import { isJsonObject, type JsonObject, parseExactJson } from './json-body.ts'
import { type Reading, type ReadingRules, readCall, readConversion } from './read-call.ts'
import type { InboundCall } from './report.ts'

/** The path of conversions that came through the API, which are read without an advertiser's param_map. */
export const CONVERSIONS_PATH = '/v1/conversions'

type Raw = InboundCall['raw']

/** The object of a kept call of POST /v1/conversions; null for calls of /postback and for what is no object. */
export function storedConversion(raw: Raw): JsonObject | null {
  if (!raw.url.startsWith(CONVERSIONS_PATH) || raw.body === null) return null
  try {
    const value = parseExactJson(raw.body)
    return isJsonObject(value) ? value : null
  } catch {
    return null
  }
}

/** Reads a kept call by today's rules of the advertiser. */
export function readStoredCall(raw: Raw, advertiser: Advertiser, nowMs: number): Reading {
  const { paramMap, statusMap, timezone } = advertiser
  const rules: ReadingRules = { paramMap, statusMap, timezone, nowMs, isFromStore: true }
  const conversion = storedConversion(raw)
  if (conversion !== null) return readConversion(withoutAdvertiser(conversion), { ...rules, paramMap: {} })
  const queryAt = raw.url.indexOf('?')
  return readCall(
    {
      query: queryAt === -1 ? '' : raw.url.slice(queryAt + 1),
      body: raw.body === null ? null : Buffer.from(raw.body),
      contentType: raw.headers['content-type'] ?? null,
      ignored: OPTION_NAMES,
    },
    rules,
  )
}

/** What is left of an object of POST /v1/conversions is the report. */
export function withoutAdvertiser(conversion: JsonObject): JsonObject {
  const { advertiser_id: _, ...report } = conversion
  return report
}

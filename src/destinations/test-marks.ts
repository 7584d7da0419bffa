import type { Preset } from '../../config/presets/preset.ts'
import type { DestinationDefinition } from '../catalogue/catalogue.ts'
import { bindPreset, boundPreset } from './recognise.ts'

export type Marked = {
  definition: DestinationDefinition
  /** What tells the receiver that it is a test, as it is written; empty where nothing does. */
  marks: string[]
}

/** The destination as a test fire calls it: with what its tracker has for telling a test from a conversion. */
export function withTestMarks(definition: DestinationDefinition, preset: Preset | null): Marked {
  if (preset === null) return { definition, marks: [] }
  const marks: string[] = []
  const query = Object.entries(preset.test_parameters).map(([name, value]) => `${name}=${value}`)
  marks.push(...query)
  const mark = (url: string): string => toTestPath(addQuery(url, query), preset, marks)
  const urls = Object.entries(definition.url_by_status).map(([status, url]) => [status, mark(url)])
  const url = mark(definition.url)
  const body = toTestBody(definition, preset, marks)
  const marked = { ...definition, url, url_by_status: Object.fromEntries(urls), body }
  return { definition: bindPreset(marked, boundPreset(definition)), marks: [...new Set(marks)] }
}

function addQuery(url: string, query: readonly string[]): string {
  if (query.length === 0) return url
  const [address = '', fragment] = url.split('#', 2)
  const joined = `${address}${address.includes('?') ? '&' : '?'}${query.join('&')}`
  return fragment === undefined ? joined : `${joined}#${fragment}`
}

const URL_PARTS = /^([^:/?#]+:\/\/[^/?#]*)([^?#]*)(.*)$/s

function toTestPath(url: string, { test_path: testPath }: Preset, marks: string[]): string {
  const [, origin = '', path = '', rest = ''] = URL_PARTS.exec(url) ?? []
  if (testPath === undefined || path.replace(/\/$/, '') !== testPath.from) return url
  marks.push(testPath.to)
  return `${origin}${testPath.to}${rest}`
}

function toTestBody(
  { body, secrets }: DestinationDefinition,
  preset: Preset,
  marks: string[],
): string | null {
  const wanted = Object.entries(preset.test_body ?? {}).filter(([, secret]) => Object.hasOwn(secrets, secret))
  const inside = body === null ? null : /^\s*\{(?=\s*")/.exec(body)
  if (body === null || inside === null || wanted.length === 0) return body
  marks.push(...wanted.map(([name]) => name))
  const members = wanted.map(([name, secret]) => `"${name}":"{secret:${secret}}",`)
  return `${inside[0]}${members.join('')}${body.slice(inside[0].length)}`
}

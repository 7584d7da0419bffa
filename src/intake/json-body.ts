import { AppError } from '../kit/app-error.ts'
import type { ParameterSink } from './parameters.ts'
import { toStorable } from './percent-decode.ts'

/** A parsed JSON object whose numbers are kept as they were written. */
export type JsonObject = { readonly [name: string]: unknown }

type RawJson = { readonly rawJSON: string }

/** Part of ECMAScript ("JSON.parse source text access") that the es2024 library types do not have. */
const exactJson = JSON as typeof JSON & {
  rawJSON(text: string): RawJson
  isRawJSON(value: unknown): value is RawJson
}

const DEPTH_MAX = 32

const keepNumberText = (_name: string, value: unknown, context?: { source: string }): unknown =>
  typeof value === 'number' && context !== undefined ? exactJson.rawJSON(context.source) : value

/** Parses JSON without turning numbers into floats; `JSON.stringify` writes them back unchanged. Throws on anything else. */
export const parseExactJson = (text: string): unknown => JSON.parse(text, keepNumberText)

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !exactJson.isRawJSON(value)

/** True for JSON that is nested too deep to be walked without danger to the stack. */
export const isTooDeep = (value: unknown, levels = DEPTH_MAX): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((child) => isTooDeep(child, levels - 1)))

/** Adds every leaf under its path with dots: `{"order":{"id":7}}` is `order.id`. Null is absent. Throws AppError. */
export function readJson(object: JsonObject, sink: ParameterSink): void {
  addLeaves({ value: object, path: '', depth: 0 }, sink)
}

function addLeaves(node: { value: unknown; path: string; depth: number }, sink: ParameterSink): void {
  const { value, path, depth } = node
  if (value === null) return
  if (typeof value !== 'object' || exactJson.isRawJSON(value)) {
    sink.add(toStorable(path).text, toParameter(value))
    return
  }
  if (depth === DEPTH_MAX)
    throw new AppError('malformed', {
      message: `The JSON is nested deeper than ${DEPTH_MAX} levels.`,
      fix: 'Send a flatter object.',
    })
  for (const [name, child] of Object.entries(value)) {
    addLeaves({ value: child, path: path === '' ? name : `${path}.${name}`, depth: depth + 1 }, sink)
  }
}

function toParameter(leaf: unknown): { value: string; broken: boolean; raw?: string } {
  if (typeof leaf !== 'string')
    return { value: exactJson.isRawJSON(leaf) ? leaf.rawJSON : String(leaf), broken: false }
  const { text, broken } = toStorable(leaf)
  return broken ? { value: text, broken, raw: text } : { value: text, broken }
}

import type { Preset, RefusalRule } from '../../config/presets/preset.ts'
import type { ConversionStatus, DestinationDefinition } from '../catalogue/catalogue.ts'
import { type ClickIdFacts, type ClickIdMacro, clickIdOf, findClickIdPlace } from './click-id.ts'
import { bodyKind, type CompiledBody, compileBody, defaultContentType } from './compile-body.ts'
import { type CompiledHeader, compileHeaders } from './compile-headers.ts'
import { type CompiledUrl, compileUrl } from './compile-url.ts'
import { errorFinding, type Finding } from './findings.ts'
import { presetOf } from './recognise.ts'
import { parseTemplate, type TemplatePart } from './template.ts'

export type CompiledDestination = {
  definition: DestinationDefinition
  /** Name of the explicit or the recognised preset. */
  preset: string | null
  /** Answers with 2xx by which this tracker says no; null where none are known. */
  refusals: readonly RefusalRule[] | null
  urls: Readonly<Record<ConversionStatus, CompiledUrl>>
  headers: readonly CompiledHeader[]
  contentType: string | null
  body: CompiledBody | null
  usesPayoutDelta: boolean
  usesSecrets: boolean
  /** Empty members are left out of the JSON body. */
  omitEmpty: boolean
  /** Older events are refused by the receiver; null: no such limit is known. */
  ageSecondsMax: number | null
  /** What {event} is for a rejected conversion; null: what it always is. */
  reversalEvent: string | null
  /** none: the receiver's 2xx never proves that it took the event. */
  confirmation: 'none' | null
  /** The macro in the click-id parameter of `url`; null where there is none. */
  clickIdMacro: ClickIdMacro | null
  /** Whether the click-id parameter would go out empty. */
  clickIdIsEmpty(facts: ClickIdFacts): boolean
  /** Errors that checkDefinition reports and that make rendering impossible. */
  problems: readonly Finding[]
}

const compiledByDefinition = new WeakMap<DestinationDefinition, CompiledDestination>()

/**
 * What one version of a destination renders to. Kept as long as the definition object lives, so the catalogue's cache
 * is this cache too. Never throws: what is wrong is in `problems`.
 */
export function compileDestination(definition: DestinationDefinition): CompiledDestination {
  const known = compiledByDefinition.get(definition)
  if (known !== undefined) return known
  const compiled = compile(definition)
  compiledByDefinition.set(definition, compiled)
  return compiled
}

function compile(definition: DestinationDefinition): CompiledDestination {
  const preset = presetOf(definition)
  const parts: TemplatePart[] = []
  const urls = compileUrls(definition, parts)
  const headers = compileHeaders(definition.headers)
  const body = compileBodyOf(definition, parts)
  parts.push(...headers.parts)
  const distinct = [...new Set([urls.main, urls.pending, urls.approved, urls.rejected])]
  const clickIdIn = (url: CompiledUrl) => findClickIdPlace(url, body?.compiled ?? null, preset)
  const clickIds = {
    pending: clickIdIn(urls.pending),
    approved: clickIdIn(urls.approved),
    rejected: clickIdIn(urls.rejected),
  }
  return {
    definition,
    preset: preset?.name ?? null,
    refusals: preset === null || preset.refusals.length === 0 ? null : preset.refusals,
    urls,
    headers: headers.list.filter((header) => header.name !== 'content-type'),
    contentType: body?.contentType ?? null,
    body: body?.compiled ?? null,
    usesPayoutDelta: usesMacro(parts, 'payout_delta'),
    usesSecrets: usesMacro(parts, 'secret'),
    omitEmpty: preset?.omit_empty === true && bodyKind(body?.contentType ?? '') === 'json',
    ...eventRulesOf(preset),
    clickIdMacro: clickIdIn(urls.main)?.macro ?? null,
    clickIdIsEmpty: (facts) => {
      const clickId = clickIds[facts.status]
      return clickId !== null && !clickId.hasDefault && clickIdOf(clickId.macro, facts) === ''
    },
    problems: [
      ...distinct.flatMap((url) => url.problems),
      ...headers.problems,
      ...(body?.compiled.problems ?? []),
      ...contentTypeProblems(body?.contentType ?? ''),
      ...secretProblems(definition, parts),
      ...distinct.flatMap((url) => signatureProblems(definition, url)),
    ],
  }
}

const eventRulesOf = (preset: Preset | null) => ({
  ageSecondsMax: preset?.age_seconds_max ?? null,
  reversalEvent: preset?.reversal.event ?? null,
  confirmation: preset?.confirmation ?? null,
})

function compileUrls(definition: DestinationDefinition, parts: TemplatePart[]) {
  const toCompiled = (text: string): CompiledUrl => {
    const template = parseTemplate(text, 'strict')
    parts.push(...template.parts)
    return compileUrl(template)
  }
  const main = toCompiled(definition.url)
  const own = (status: ConversionStatus): CompiledUrl => {
    const url = definition.url_by_status[status]
    return url === undefined ? main : toCompiled(url)
  }
  return { main, pending: own('pending'), approved: own('approved'), rejected: own('rejected') }
}

function compileBodyOf(
  definition: DestinationDefinition,
  parts: TemplatePart[],
): { contentType: string; compiled: CompiledBody } | null {
  if (definition.method !== 'POST' || definition.body === null) return null
  const template = parseTemplate(definition.body, 'lenient')
  parts.push(...template.parts)
  const contentType =
    definition.content_type ?? headerValue(definition, 'content-type') ?? defaultContentType(template)
  return { contentType, compiled: compileBody(template, bodyKind(contentType)) }
}

const headerValue = (definition: DestinationDefinition, name: string): string | undefined =>
  Object.entries(definition.headers).find(([header]) => header.toLowerCase() === name)?.[1]

const contentTypeProblems = (contentType: string): Finding[] =>
  /[{}]/.test(contentType)
    ? [errorFinding('content_type', 'The content type can not hold macros.', 'Write it out.')]
    : []

const usesMacro = (parts: readonly TemplatePart[], name: string): boolean =>
  parts.some((part) => part.kind === 'macro' && part.name === name)

function secretProblems(definition: DestinationDefinition, parts: readonly TemplatePart[]): Finding[] {
  const names = parts.flatMap((part) => (part.kind === 'macro' && part.name === 'secret' ? [part.arg] : []))
  return [...new Set(names)]
    .filter((name) => name !== null && name !== '' && !Object.hasOwn(definition.secrets, name))
    .map((name) =>
      errorFinding(
        'secret_missing',
        `{secret:${name}} is used, but the destination has no secret of that name.`,
        `Send it in secrets: {"${name}": "..."}.`,
      ),
    )
}

function signatureProblems(definition: DestinationDefinition, url: CompiledUrl): Finding[] {
  if (!url.signed) return []
  if (definition.method === 'POST')
    return [
      errorFinding(
        'signature_misplaced',
        '{signature} is for GET; a POST is signed in its headers.',
        'Remove the parameter.',
      ),
    ]
  return definition.signing_secret !== null
    ? []
    : [
        errorFinding(
          'signing_secret_missing',
          '{signature} is used without a signing secret.',
          'Send signing_secret, or remove the parameter.',
        ),
      ]
}

import type { Preset } from '../../config/presets/preset.ts'
import type { ConversionStatus, Destination, DestinationDefinition, Offer } from '../catalogue/catalogue.ts'
import { platformFindings, withPlatformDefaults } from './ad-platforms/platform.ts'
import { checkEvents } from './check-events.ts'
import { checkFields } from './check-fields.ts'
import { checkHosts, type LookUp } from './check-host.ts'
import { compileDestination } from './compile.ts'
import { errorFinding, type Finding, hasErrors, shown, warningFinding } from './findings.ts'
import { lintUrl } from './lint.ts'
import { bindPreset, findPreset, ownPresetFor } from './recognise.ts'
import { reversalFindings } from './reversal.ts'
import { translateMacros } from './translate.ts'

/**
 * The wire fields of a destination; secrets and signing_secret already sealed. What is missing takes its default. For a
 * PATCH: the stored definition with the changed fields over it (a new url drops url_as_given).
 */
export type DestinationInput = Partial<Omit<DestinationDefinition, Limit>> & {
  url: string
  rate_limit?: DestinationDefinition['rate_limit'] | null
  concurrency?: number | null
}
type Limit = 'rate_limit' | 'concurrency'

export type CheckOptions = {
  allowCidrs: readonly string[]
  /** Without it no host is looked up. */
  lookUp?: LookUp
  /** The network's own presets. */
  presets?: readonly Preset[]
  /** All offers that are not archived; without them events are not looked at. */
  offers?: () => readonly Pick<Offer, 'id' | 'name' | 'events'>[]
  /** The affiliate's other destinations. */
  siblings?: readonly Pick<Destination, 'definition' | 'archived'>[]
}

export type CheckedDefinition = { definition: DestinationDefinition; findings: Finding[] }

/**
 * Turns what was asked for into what is stored: defaults filled in, foreign macros translated, everything checked. Never
 * throws; a finding with severity error means that it must not be stored.
 */
export async function checkDefinition(
  input: DestinationInput,
  options: CheckOptions,
): Promise<CheckedDefinition> {
  const asked = withDefaults(withPlatformDefaults(input))
  const translated = translateTexts(asked)
  const own = options.presets ?? []
  bindPreset(translated.definition, ownPresetFor(translated.definition, own))
  const urls = lintUrls(translated.definition, options)
  const definition = { ...translated.definition, ...urls.fields }
  bindPreset(definition, ownPresetFor(definition, own))
  const findings = [
    ...checkPresetName(definition, own),
    ...urls.findings,
    ...translated.findings,
    ...compileProblems(definition, urls.findings),
    ...checkFields(definition),
    ...reversalFindings(definition),
    ...platformFindings(definition),
    ...checkSiblings(definition, options.siblings ?? []),
    ...checkEvents(definition, options.offers),
  ]
  if (options.lookUp !== undefined && !hasErrors(findings)) {
    const hosts = [definition.url, ...Object.values(definition.url_by_status)]
    findings.push(...(await checkHosts(hosts, { allowCidrs: options.allowCidrs, lookUp: options.lookUp })))
  }
  return { definition, findings: withoutRepeats(findings) }
}

/** A URL that is no URL at all is reported once, by lint, which says it better. */
function compileProblems(definition: DestinationDefinition, linted: readonly Finding[]): readonly Finding[] {
  const { problems } = compileDestination(definition)
  return hasErrors(linted) ? problems.filter((problem) => problem.code !== 'bad_url') : problems
}

function withDefaults(input: DestinationInput): DestinationDefinition {
  return {
    name: input.name ?? null,
    preset: input.preset ?? null,
    method: input.method ?? 'GET',
    url: input.url,
    url_by_status: input.url_by_status ?? {},
    headers: input.headers ?? {},
    body: input.body ?? null,
    content_type: input.content_type ?? null,
    secrets: input.secrets ?? {},
    events: [...new Set((input.events ?? []).map((event) => event.trim()))],
    statuses: [...new Set(input.statuses ?? ['approved' as const])],
    changes: [...new Set(input.changes ?? ['status' as const])],
    offer_ids: [...new Set(input.offer_ids ?? [])],
    fallback: input.fallback ?? false,
    delay_seconds: input.delay_seconds ?? 0,
    success: input.success ?? null,
    retry: input.retry ?? null,
    signing_secret: input.signing_secret ?? null,
    ...(input.url_as_given !== undefined && { url_as_given: input.url_as_given }),
    ...(input.rate_limit != null && { rate_limit: input.rate_limit }),
    ...(input.concurrency != null && { concurrency: input.concurrency }),
  }
}

/** Headers and body in our own macros. */
function translateTexts(definition: DestinationDefinition): CheckedDefinition {
  const findings: Finding[] = []
  const translate = (text: string): string => {
    const translation = translateMacros(text, { isUrl: false, isClickIdParameter: () => false })
    findings.push(...translation.findings)
    return translation.text
  }
  const headers = Object.fromEntries(
    Object.entries(definition.headers).map(([name, text]) => [name, translate(text)]),
  )
  const body = definition.body === null ? null : translate(definition.body)
  return { definition: { ...definition, headers, body }, findings }
}

function lintUrls(
  definition: DestinationDefinition,
  { allowCidrs, presets }: CheckOptions,
): { fields: Partial<DestinationDefinition>; findings: Finding[] } {
  const options = {
    preset: definition.preset,
    method: definition.method,
    allowCidrs,
    ...(presets !== undefined && { presets }),
    statuses: definition.statuses,
    clickIdInBody: definition.body !== null && compileDestination(definition).clickIdMacro !== null,
  }
  const main = lintUrl(definition.url, options)
  const byStatus: Partial<Record<ConversionStatus, string>> = {}
  const findings = [...main.findings]
  for (const [status, url] of Object.entries(definition.url_by_status)) {
    const lint = lintUrl(url, options)
    byStatus[status as ConversionStatus] = lint.url
    findings.push(...lint.findings)
  }
  const given = main.url === definition.url ? definition.url_as_given : definition.url
  const fields = {
    url: main.url,
    url_by_status: byStatus,
    ...(given !== undefined && { url_as_given: given }),
  }
  return { fields, findings }
}

function checkPresetName({ preset }: DestinationDefinition, own: readonly Preset[]): Finding[] {
  if (preset === null || findPreset(preset, own) !== null) return []
  return [
    errorFinding(
      'unknown_preset',
      `There is no preset "${shown(preset)}".`,
      'Use a name of GET /v1/presets, or leave preset out to have the tracker recognised.',
    ),
  ]
}

function checkSiblings(
  definition: DestinationDefinition,
  siblings: readonly Pick<Destination, 'definition' | 'archived'>[],
): Finding[] {
  const isTwin = (other: DestinationDefinition): boolean =>
    other.method === definition.method &&
    other.url === definition.url &&
    other.body === definition.body &&
    overlap(other.offer_ids, definition.offer_ids) &&
    overlap(other.events, definition.events)
  if (!siblings.some((sibling) => !sibling.archived && isTwin(sibling.definition))) return []
  return [
    warningFinding(
      'duplicate_destination',
      'Another destination of this affiliate calls the same URL for the same offers.',
      'Archive one of them, or each conversion is sent twice.',
    ),
  ]
}

/** An empty list means all. */
const overlap = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === 0 || b.length === 0 || a.some((one) => b.includes(one))

function withoutRepeats(findings: readonly Finding[]): Finding[] {
  const seen = new Map(findings.map((finding) => [`${finding.code} ${finding.message}`, finding]))
  return [...seen.values()]
}

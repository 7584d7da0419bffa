import { PLACEHOLDER_WORDS, USUAL_PARAMETERS } from '../../config/foreign-macros.ts'
import type { Preset } from '../../config/presets/preset.ts'
import { CONVERSION_STATUSES } from '../catalogue/catalogue.ts'
import { ownValue } from '../kit/own-value.ts'
import { isClickIdName } from './click-id.ts'
import { compileUrl } from './compile-url.ts'
import { errorFinding, type Finding, shown, warningFinding } from './findings.ts'
import { lintAddress } from './lint-address.ts'
import { isClickIdPart, lintParameters } from './lint-parameters.ts'
import { findPreset, recogniseShape } from './recognise.ts'
import { repairUrl } from './repair-url.ts'
import { parseTemplate } from './template.ts'
import { translateMacros } from './translate.ts'
import { shapeUrl } from './url-shape.ts'

export type LintOptions = {
  /** An explicit preset; without it the recognised one counts. */
  preset?: string | null
  /** The network's own presets. */
  presets?: readonly Preset[]
  method?: 'GET' | 'POST'
  allowCidrs?: readonly string[]
  /** What the destination sends; unset: any. */
  statuses?: readonly string[]
  /** The body carries the affiliate's click id. */
  clickIdInBody?: boolean
}

export type Lint = {
  /** The explicit or the recognised preset; plain where none fits. */
  preset: string
  /** Other presets that fit the URL. */
  also: string[]
  /** Repaired and translated, as a save stores it. */
  url: string
  findings: Finding[]
}

const URL_LENGTH_MAX = 8192

/**
 * Says what a pasted URL is and what is wrong with it. For any text, never throws, asks no network; over 8 KiB only the
 * length is looked at.
 */
export function lintUrl(given: string, options: LintOptions = {}): Lint {
  const explicit = options.preset == null ? null : findPreset(options.preset, options.presets)
  const refused = refuseAtOnce(given)
  if (refused !== null)
    return { preset: explicit?.name ?? 'plain', also: [], url: given, findings: [refused] }
  const repaired = repairUrl(given)
  const fitting = recogniseShape(shapeOf(roughlyTranslated(repaired.text)), options.presets)
  const preset = explicit ?? fitting[0] ?? null
  const translated = translateMacros(repaired.text, {
    isUrl: true,
    isClickIdParameter: (name) => isClickIdParameter(name, preset),
  })
  const filled = fillPlaceholders(translated.text, preset)
  const findings = [...repaired.findings, ...translated.findings, ...filled.findings]
  findings.push(...lintTranslated(filled.text, preset, options))
  return {
    preset: preset?.name ?? 'plain',
    also: fitting.filter((other) => other !== preset).map((other) => other.name),
    url: filled.text,
    findings,
  }
}

function refuseAtOnce(given: string): Finding | null {
  if (given.trim() === '')
    return errorFinding('url_missing', 'There is no URL.', 'Paste the postback URL of the tracker.')
  if (given.length > URL_LENGTH_MAX)
    return errorFinding(
      'url_too_long',
      `The URL is longer than ${URL_LENGTH_MAX} characters.`,
      'Shorten it; send long values in the body of a POST.',
    )
  return null
}

const shapeOf = (url: string) => shapeUrl(parseTemplate(url, 'strict').parts)

/** Good enough to tell parameters from a fragment: `#s2#` would look like one. */
const roughlyTranslated = (url: string): string =>
  translateMacros(url, { isUrl: true, isClickIdParameter: () => false }).text

const isClickIdParameter = (name: string, preset: Preset | null): boolean =>
  preset === null || preset.kind === 'plain'
    ? USUAL_PARAMETERS[name.toLowerCase()] === '{affiliate_click_id}'
    : isClickIdName(preset, name)

const PLACEHOLDER = new RegExp(
  `([?&])([^?&=]{0,100})=[[{]?(?:${PLACEHOLDER_WORDS.join('|')})[\\]}]?(?=&|#|$)`,
  'gi',
)

function fillPlaceholders(url: string, preset: Preset | null): { text: string; findings: Finding[] } {
  const findings: Finding[] = []
  const text = url.replace(PLACEHOLDER, (found, delimiter: string, name: string) => {
    const macro = macroFor(name, preset)
    findings.push(
      warningFinding(
        'placeholder_left',
        `${shown(found.slice(1))} is a placeholder that was never filled in.`,
        macro === null
          ? `Write the macro that belongs into ${shown(name)}.`
          : `It was read as ${shown(name)}=${macro}.`,
      ),
    )
    return macro === null ? found : `${delimiter}${name}=${macro}`
  })
  return { text, findings: findings.slice(0, FINDINGS_MAX) }
}

const FINDINGS_MAX = 20

function macroFor(name: string, preset: Preset | null): string | null {
  const lower = name.trim().toLowerCase()
  const known = preset?.parameters.find((one) => [one.name, ...(one.also ?? [])].map(toLower).includes(lower))
  return known?.macro ?? ownValue(USUAL_PARAMETERS, lower)
}

const toLower = (text: string): string => text.toLowerCase()

function lintTranslated(url: string, preset: Preset | null, options: LintOptions): Finding[] {
  const template = parseTemplate(url, 'strict')
  const shape = shapeUrl(template.parts)
  const address = lintAddress(shape, options.allowCidrs ?? [])
  const problems = compileUrl(template).problems.filter(
    (problem) => problem.code !== 'bad_url' || address.every((finding) => finding.severity !== 'error'),
  )
  const clickIdElsewhere =
    options.clickIdInBody === true || shape.segments.some((segment) => segment.some(isClickIdPart))
  return [
    ...address,
    ...problems,
    ...lintParameters({
      preset,
      parameters: shape.parameters,
      statuses: options.statuses ?? CONVERSION_STATUSES,
      clickIdElsewhere,
    }),
    ...lintText(url, shape.fragment !== null),
  ]
}

function lintText(url: string, hasFragment: boolean): Finding[] {
  const findings: Finding[] = []
  if (hasFragment)
    findings.push(
      warningFinding(
        'fragment',
        'What follows # is never sent to the receiver.',
        'Write %23 where # is meant as a character.',
      ),
    )
  if (/%25[0-9A-Fa-f]{2}/.test(url))
    findings.push(
      warningFinding(
        'double_encoding',
        'A part of the URL was percent-encoded twice (%25..).',
        'Paste the URL as the tracker shows it.',
      ),
    )
  if (/%(?![0-9A-Fa-f]{2})/.test(url))
    findings.push(
      warningFinding(
        'bad_percent',
        'A % is not followed by two hexadecimal digits and goes out as %25.',
        'Write %25 for a percent sign; check whether a macro of the form %x% was meant.',
      ),
    )
  return findings
}

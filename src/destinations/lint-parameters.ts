import { SECRET_PARAMETERS, USUAL_PARAMETERS } from '../../config/foreign-macros.ts'
import type { Preset, PresetParameter } from '../../config/presets/preset.ts'
import { clickIdNames, isClickIdMacro } from './click-id.ts'
import { errorFinding, type Finding, shown, warningFinding } from './findings.ts'
import { canonicalMacro } from './macros.ts'
import type { MacroToken, TemplatePart } from './template.ts'
import { sourceOf, type UrlParameter } from './url-shape.ts'

/** A query parameter as lint looks at it. */
type Seen = { name: string; value: string; parts: readonly TemplatePart[]; macros: readonly MacroToken[] }

export type ParameterLint = {
  preset: Preset | null
  /** Parameters of the URL, after translation. */
  parameters: readonly UrlParameter[]
  /** A macro of the affiliate's click id stands in the path or in the body. */
  clickIdElsewhere: boolean
}

export function lintParameters({ preset, parameters, clickIdElsewhere }: ParameterLint): Finding[] {
  const seen = parameters.map(toSeen).filter(({ name }) => name !== '')
  const isTracker = preset !== null && preset.kind !== 'plain'
  return [
    ...(isTracker ? lintTracker(preset, seen, clickIdElsewhere) : lintUnknown(seen, clickIdElsewhere)),
    ...lintRepeats(seen),
    ...lintSecrets(seen),
  ]
}

const toSeen = (parameter: UrlParameter): Seen => ({
  name: sourceOf(parameter.name),
  value: sourceOf(parameter.value).trim(),
  parts: parameter.value,
  macros: parameter.value.filter((part) => part.kind === 'macro'),
})

function lintTracker(preset: Preset, seen: readonly Seen[], clickIdElsewhere: boolean): Finding[] {
  const findings = preset.parameters.flatMap((parameter) =>
    parameter.name === preset.click_id_parameter
      ? lintClickId(preset, seen, clickIdElsewhere)
      : lintParameter(preset, parameter, seen),
  )
  return [...findings, ...lintStatus(preset, seen), ...lintIgnoredPayout(preset, seen)]
}

function lintClickId(preset: Preset, seen: readonly Seen[], clickIdElsewhere: boolean): Finding[] {
  const name = preset.click_id_parameter ?? ''
  const found = findParameter(seen, clickIdNames(preset))
  if (found === undefined && clickIdElsewhere) return []
  if (found === undefined || found.value === '')
    return [
      errorFinding(
        'click_id_missing',
        `${preset.title} finds the click by ${name}, which ${found === undefined ? 'is missing' : 'is empty'}.`,
        `Add ${name}={affiliate_click_id}.`,
      ),
    ]
  const findings = clickIdNames(preset).includes(found.name) ? [] : [wrongCase(found.name, name)]
  if (found.macros.length === 0) return [...findings, literalClickId(found)]
  if (found.macros.some(isClickIdMacro)) return findings
  return [
    ...findings,
    errorFinding(
      'click_id_missing',
      `${name} holds ${shown(found.value)}, which is not the click id of ${preset.title}.`,
      `Write ${name}={affiliate_click_id}.`,
    ),
  ]
}

function lintParameter(preset: Preset, parameter: PresetParameter, seen: readonly Seen[]): Finding[] {
  const names = [parameter.name, ...(parameter.also ?? [])]
  const found = findParameter(
    seen,
    names.map((name) => name.toLowerCase()),
  )
  if (found === undefined) return lintAbsent(preset, parameter, seen)
  const findings = names.includes(found.name) ? [] : [wrongCase(found.name, parameter.name)]
  if (found.value === '' && parameter.need !== 'optional') return [...findings, absent(preset, parameter)]
  const isLiteral = found.macros.length === 0 && found.value !== ''
  if (isLiteral && WANTS_MACRO.some((macro) => parameter.macro.includes(macro)))
    findings.push(literalValue(found, parameter.macro))
  const max = parameter.length_max
  if (max !== undefined && isLiteral && found.value.length > max)
    findings.push(
      warningFinding(
        'value_too_long',
        `${found.name} holds ${found.value.length} characters; ${preset.title} keeps ${max}.`,
        'Shorten the value.',
      ),
    )
  return findings
}

const WANTS_MACRO = ['{payout', '{transaction_id']

function lintAbsent(preset: Preset, parameter: PresetParameter, seen: readonly Seen[]): Finding[] {
  const mistaken = findParameter(seen, parameter.mistaken ?? [])
  if (mistaken !== undefined)
    return [
      warningFinding(
        'parameter_name',
        `${preset.title} does not read ${shown(mistaken.name)}; it reads ${parameter.name}.`,
        `Rename ${shown(mistaken.name)} to ${parameter.name}.`,
      ),
    ]
  return parameter.need === 'optional' ? [] : [absent(preset, parameter)]
}

function absent(preset: Preset, parameter: PresetParameter): Finding {
  const code = parameter.macro.startsWith('{transaction_id')
    ? 'transaction_id_missing'
    : parameter.macro.startsWith('{status')
      ? 'status_missing'
      : 'parameter_missing'
  const without = parameter.without ?? 'it may not count the conversion'
  return warningFinding(
    code,
    `Without ${parameter.name} ${preset.title} can go wrong: ${without}.`,
    `Add ${parameter.name}=${parameter.macro}.`,
  )
}

function lintStatus(preset: Preset, seen: readonly Seen[]): Finding[] {
  const status = preset.status
  const found = status === null ? undefined : findParameter(seen, [status.parameter.toLowerCase()])
  if (status === null || found === undefined || status.map === null) return []
  if ((status.mapped_by ?? []).some((name) => seen.some((one) => one.name === name))) return []
  const [only] = found.macros
  const isUnmapped = only !== undefined && only.name === 'status' && only.filters.length === 0
  if (isUnmapped)
    return [
      warningFinding(
        'status_not_mapped',
        `${preset.title} knows the words ${status.words.join(', ')}, not ours.`,
        `Write ${found.name}={status|map:${status.map}}.`,
      ),
    ]
  const isForeignWord =
    found.macros.length === 0 && found.value !== '' && !status.words.includes(found.value.toLowerCase())
  return isForeignWord ? [literalValue(found, `{status|map:${status.map}}`)] : []
}

function lintIgnoredPayout(preset: Preset, seen: readonly Seen[]): Finding[] {
  const known = new Set(
    preset.parameters.flatMap((one) => [one.name, ...(one.also ?? []), ...(one.mistaken ?? [])]).map(lower),
  )
  const takesPayout = preset.parameters.some((one) => one.macro.startsWith('{payout'))
  const ignored = seen.find(
    (one) => !known.has(lower(one.name)) && one.macros.some((macro) => macro.name.startsWith('payout')),
  )
  if (!takesPayout || ignored === undefined) return []
  return [
    warningFinding(
      'payout_ignored',
      `${preset.title} does not read the payout from ${shown(ignored.name)}.`,
      `Use the parameter ${preset.parameters.find((one) => one.macro.startsWith('{payout'))?.name}.`,
    ),
  ]
}

/** A receiver we know nothing of: only what is wrong whoever it is. */
function lintUnknown(seen: readonly Seen[], clickIdElsewhere: boolean): Finding[] {
  const findings: Finding[] = []
  const carries = seen.some((one) => one.macros.some(isClickIdMacro))
  const literals: Finding[] = []
  for (const one of seen) {
    const usual = USUAL_PARAMETERS[lower(one.name)]
    if (usual === undefined || one.macros.length > 0 || one.value === '' || one.value.length > 200) continue
    if (usual === '{affiliate_click_id}') literals.push(literalClickId(one))
    else if (usual === '{payout}' || usual === '{transaction_id}') findings.push(literalValue(one, usual))
  }
  if (carries || clickIdElsewhere) return findings
  findings.push(...literals)
  if (literals.length === 0)
    findings.push(
      warningFinding(
        'click_id_missing',
        'No click id goes out with this URL, so the receiver can not tell which click converted.',
        'Add {affiliate_click_id} (or the sub that carries it) where the receiver expects its click id.',
      ),
    )
  return findings
}

function lintRepeats(seen: readonly Seen[]): Finding[] {
  const repeated = seen.find((one, index) => seen.findIndex((other) => other.name === one.name) < index)
  if (repeated === undefined || repeated.name.endsWith('[]')) return []
  return [
    warningFinding(
      'parameter_repeated',
      `${shown(repeated.name)} is there more than once.`,
      'Keep one; which one a receiver reads is up to it.',
    ),
  ]
}

function lintSecrets(seen: readonly Seen[]): Finding[] {
  const open = seen.find(
    (one) => SECRET_PARAMETERS.includes(lower(one.name)) && one.macros.length === 0 && one.value !== '',
  )
  if (open === undefined) return []
  return [
    warningFinding(
      'secret_in_url',
      `${shown(open.name)} looks like a secret and would be shown with every attempt.`,
      `Send it in secrets as {"${shown(open.name).toUpperCase()}": "..."} and write ${shown(open.name)}={secret:${shown(open.name).toUpperCase()}}.`,
    ),
  ]
}

const lower = (text: string): string => text.toLowerCase()

/** By one of these lower-case names, whatever the case in the URL. */
const findParameter = (seen: readonly Seen[], names: readonly string[]): Seen | undefined =>
  seen.find((one) => names.includes(one.name)) ?? seen.find((one) => names.includes(lower(one.name)))

const wrongCase = (seen: string, name: string): Finding =>
  warningFinding(
    'parameter_name',
    `${shown(seen)} should be written ${name}.`,
    `Rename ${shown(seen)} to ${name}.`,
  )

const literalClickId = (one: Seen): Finding =>
  warningFinding(
    'literal_value',
    `${shown(one.name)}=${shown(one.value)} is the same click id for every conversion.`,
    `Write ${shown(one.name)}={affiliate_click_id}.`,
  )

const literalValue = (one: Seen, macro: string): Finding =>
  warningFinding(
    'literal_value',
    `${shown(one.name)}=${shown(one.value)} is the same for every conversion.`,
    `Write ${shown(one.name)}=${macro}.`,
  )

export const isClickIdPart = (part: TemplatePart): boolean =>
  part.kind === 'macro' && part.arg === null && canonicalMacro(part.name) === 'affiliate_click_id'

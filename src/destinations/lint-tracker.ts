import type { Preset, PresetParameter } from '../../config/presets/preset.ts'
import { clickIdNames, isClickIdMacro } from './click-id.ts'
import { errorFinding, type Finding, infoFinding, shown, warningFinding } from './findings.ts'
import { literalClickId, literalValue } from './literal-findings.ts'
import { findParameter, type SeenParameter } from './seen-parameter.ts'

/** What a known tracker misses, or would not understand, in the parameters of a URL. */
export function lintTracker(
  preset: Preset,
  seen: readonly SeenParameter[],
  lint: { statuses: readonly string[]; clickIdElsewhere: boolean },
): Finding[] {
  const findings = preset.parameters.flatMap((parameter) =>
    parameter.name === preset.click_id_parameter
      ? lintClickId(preset, seen, lint.clickIdElsewhere)
      : lintParameter(preset, parameter, seen),
  )
  return [...findings, ...lintStatus(preset, seen, lint.statuses), ...lintIgnoredPayout(preset, seen)]
}

function lintClickId(preset: Preset, seen: readonly SeenParameter[], clickIdElsewhere: boolean): Finding[] {
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

function lintParameter(
  preset: Preset,
  parameter: PresetParameter,
  seen: readonly SeenParameter[],
): Finding[] {
  const names = [parameter.name, ...(parameter.also ?? [])]
  const found = findParameter(seen, names)
  if (found === undefined) return lintAbsent(preset, parameter, seen)
  const findings = names.includes(found.name) ? [] : [wrongCase(found.name, parameter.name)]
  if (found.value === '' && parameter.need !== 'optional') return [...findings, absent(preset, parameter)]
  const isLiteral = found.macros.length === 0 && found.value !== ''
  if (isLiteral && WANTS_MACRO.some((macro) => parameter.macro.includes(macro)))
    findings.push(literalValue(found, parameter.macro))
  if (parameter.case_sensitive && found.macros.some((macro) => macro.name === 'event'))
    findings.push(eventCase(preset, found))
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

const eventCase = (preset: Preset, found: SeenParameter): Finding =>
  infoFinding(
    'event_case',
    `${preset.title} compares ${found.name} with its case, and our events are in lower case.`,
    `Where it is called otherwise there, write ${found.name}={event|map:sale=Sale}.`,
  )

const WANTS_MACRO = ['{payout', '{transaction_id']

function lintAbsent(preset: Preset, parameter: PresetParameter, seen: readonly SeenParameter[]): Finding[] {
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

function lintStatus(preset: Preset, seen: readonly SeenParameter[], statuses: readonly string[]): Finding[] {
  const status = preset.status
  if (status === null || status.map === null) return []
  const also = preset.parameters.find(({ name }) => name === status.parameter)?.also ?? []
  const found = findParameter(seen, [status.parameter, ...also])
  if (found === undefined) return []
  if ((status.mapped_by ?? []).some((name) => seen.some((one) => one.name === name))) return []
  const [only] = found.macros
  const isUnmapped =
    only?.name === 'status' &&
    only.filters.length === 0 &&
    statuses.some((word) => !status.words.includes(word))
  if (isUnmapped)
    return [
      warningFinding(
        'status_not_mapped',
        `${preset.title} knows the words ${status.words.join(', ')}, not ours.`,
        `Write ${found.name}={status|map:${status.map}}.`,
      ),
    ]
  const isForeignWord =
    found.macros.length === 0 &&
    found.value !== '' &&
    !status.words.map(toLower).includes(toLower(found.value))
  return isForeignWord ? [literalValue(found, `{status|map:${status.map}}`)] : []
}

function lintIgnoredPayout(preset: Preset, seen: readonly SeenParameter[]): Finding[] {
  const known = new Set(
    preset.parameters.flatMap((one) => [one.name, ...(one.also ?? []), ...(one.mistaken ?? [])]).map(toLower),
  )
  const takesPayout = preset.parameters.some((one) => one.macro.startsWith('{payout'))
  const ignored = seen.find(
    (one) => !known.has(toLower(one.name)) && one.macros.some((macro) => macro.name.startsWith('payout')),
  )
  if (!takesPayout || ignored === undefined) return []
  return [
    warningFinding(
      'payout_ignored',
      `${shown(ignored.name)} is no documented parameter of ${preset.title}, so the payout may be ignored.`,
      `Use ${preset.parameters.find((one) => one.macro.startsWith('{payout'))?.name} for the payout.`,
    ),
  ]
}

const wrongCase = (seen: string, name: string): Finding =>
  warningFinding(
    'parameter_name',
    `${shown(seen)} should be written ${name}.`,
    `Rename ${shown(seen)} to ${name}.`,
  )

const toLower = (text: string): string => text.toLowerCase()

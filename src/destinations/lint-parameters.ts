import { SECRET_PARAMETERS, USUAL_PARAMETERS } from '../../config/foreign-macros.ts'
import type { Preset } from '../../config/presets/preset.ts'
import { isClickIdMacro } from './click-id.ts'
import { type Finding, shown, warningFinding } from './findings.ts'
import { lintTracker } from './lint-tracker.ts'
import { literalClickId, literalValue } from './literal-findings.ts'
import { canonicalMacro } from './macros.ts'
import { type SeenParameter, toSeenParameter } from './seen-parameter.ts'
import type { TemplatePart } from './template.ts'
import type { UrlParameter } from './url-shape.ts'

export type ParameterLint = {
  preset: Preset | null
  /** Parameters of the URL, after translation. */
  parameters: readonly UrlParameter[]
  /** What the destination sends. */
  statuses: readonly string[]
  /** A macro of the affiliate's click id stands in the path or in the body. */
  clickIdElsewhere: boolean
}

export function lintParameters(lint: ParameterLint): Finding[] {
  const { preset, parameters, clickIdElsewhere } = lint
  const seen = parameters.map(toSeenParameter).filter(({ name }) => name !== '')
  const isTracker = preset !== null && preset.kind !== 'plain'
  return [
    ...(isTracker ? lintTracker(preset, seen, lint) : lintUnknown(seen, clickIdElsewhere)),
    ...lintRepeats(seen),
    ...lintSecrets(seen),
  ]
}

/** A receiver we know nothing of: only what is wrong whoever it is. */
function lintUnknown(seen: readonly SeenParameter[], clickIdElsewhere: boolean): Finding[] {
  const findings: Finding[] = []
  const carries = seen.some((one) => one.macros.some(isClickIdMacro))
  const literals: Finding[] = []
  for (const one of seen) {
    const usual = USUAL_PARAMETERS[one.name.toLowerCase()]
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

function lintRepeats(seen: readonly SeenParameter[]): Finding[] {
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

function lintSecrets(seen: readonly SeenParameter[]): Finding[] {
  const open = seen.find(
    (one) =>
      SECRET_PARAMETERS.includes(one.name.toLowerCase()) && one.macros.length === 0 && one.value !== '',
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

export const isClickIdPart = (part: TemplatePart): boolean =>
  part.kind === 'macro' && part.arg === null && canonicalMacro(part.name) === 'affiliate_click_id'

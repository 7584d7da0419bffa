import type { DestinationDefinition } from '../catalogue/catalogue.ts'
import { type Finding, shown, warningFinding } from './findings.ts'
import { presetOf } from './recognise.ts'
import { findParameter, toSeenParameter } from './seen-parameter.ts'
import { parseTemplate } from './template.ts'
import { shapeUrl } from './url-shape.ts'

/**
 * The tracker takes nothing back by postback, so a rejected conversion is not sent to it: there it would count once
 * more. Asked of an explicit preset only; who has a way of their own leaves the preset out.
 */
export const cannotReverse = (definition: Pick<DestinationDefinition, 'preset' | 'url'>): boolean =>
  definition.preset !== null && presetOf(definition)?.reversal.by_postback === false

/** What there is to say about a destination that wants to hear of rejected conversions. */
export function reversalFindings(definition: DestinationDefinition): Finding[] {
  const preset = definition.statuses.includes('rejected') ? presetOf(definition) : null
  if (preset === null || preset.kind === 'plain') return []
  const { by_postback, how, caveat, upload } = preset.reversal
  if (!by_postback)
    return [
      warningFinding(
        'tracker_cannot_reverse',
        `${preset.title} takes nothing back by postback. ${how}`,
        upload === undefined
          ? 'Leave rejected out of statuses.'
          : 'Leave rejected out of statuses, or name the preset and upload GET /v1/destinations/:id/reversals.csv there.',
      ),
    ]
  const setting =
    caveat === undefined
      ? []
      : [warningFinding('reversal_needs_setting', caveat, `How ${preset.title} reverses: ${how}`)]
  return [...missingFor(definition), ...setting]
}

/** Parameters without which the tracker would not find, or not understand, the reversal. */
function missingFor(definition: DestinationDefinition): Finding[] {
  const preset = presetOf(definition)
  const own = definition.url_by_status.rejected
  const { parameters } = shapeUrl(parseTemplate(own ?? definition.url, 'strict').parts)
  const seen = parameters.map(toSeenParameter)
  return (preset?.reversal.needs ?? []).flatMap(({ parameter, macro }) => {
    const also = preset?.parameters.find((one) => one.name === parameter)?.also ?? []
    const found = findParameter(seen, [parameter, ...also])
    const isOwnWord =
      own !== undefined && found !== undefined && found.macros.length === 0 && found.value !== ''
    const name = macroName(macro)
    if (isOwnWord || found?.macros.some((one) => one.name === name)) return []
    return [
      warningFinding(
        'reversal_parameter',
        `A rejected conversion needs ${parameter}=${macro} at ${preset?.title}; ${
          found === undefined ? 'it is missing' : `there is ${shown(`${found.name}=${found.value}`)}`
        }.`,
        `Write ${parameter}=${macro}, or leave rejected out of statuses.`,
      ),
    ]
  })
}

const macroName = (macro: string): string => macro.slice(1).split(/[|}]/, 1)[0] ?? ''

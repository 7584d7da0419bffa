import { type Finding, shown, warningFinding } from './findings.ts'
import type { SeenParameter } from './seen-parameter.ts'

export const literalClickId = (one: SeenParameter): Finding =>
  warningFinding(
    'literal_value',
    `${shown(one.name)}=${shown(one.value)} is the same click id for every conversion.`,
    `Write ${shown(one.name)}={affiliate_click_id}.`,
  )

export const literalValue = (one: SeenParameter, macro: string): Finding =>
  warningFinding(
    'literal_value',
    `${shown(one.name)}=${shown(one.value)} is the same for every conversion.`,
    `Write ${shown(one.name)}=${macro}.`,
  )

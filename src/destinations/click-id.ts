import type { Preset } from '../../config/presets/preset.ts'
import type { DeliveryFacts } from '../deliveries/facts.ts'
import type { CompiledBody } from './compile-body.ts'
import type { CompiledUrl } from './compile-url.ts'
import { canonicalMacro } from './macros.ts'
import type { MacroToken } from './template.ts'

export type ClickIdMacro = 'affiliate_click_id' | 'network_click_id' | `sub${number}`

export type ClickIdFacts = Pick<DeliveryFacts, 'status' | 'affiliateClickId' | 'clickId' | 'subs'>

export type ClickIdPlace = { macro: ClickIdMacro; hasDefault: boolean }

/**
 * The macro in the tracker's click-id parameter: the preset's parameter if it is there, else the first query or body
 * parameter whose value is only the affiliate's click id.
 */
export function findClickIdPlace(
  url: CompiledUrl,
  body: CompiledBody | null,
  preset: Preset | null,
): ClickIdPlace | null {
  const candidates = [...url.parameters, ...(body?.fields ?? [])]
  for (const { name, only } of candidates)
    if (preset !== null && only !== null && isClickIdName(preset, name) && isClickIdMacro(only))
      return toPlace(only)
  for (const { only } of candidates)
    if (only !== null && canonicalMacro(only.name) === 'affiliate_click_id' && !isHashed(only))
      return toPlace(only)
  return null
}

/** No click is found by a hash; ad platforms take one as one of several hints at a person. */
const isHashed = (token: MacroToken): boolean => token.filters.some(({ name }) => name === 'sha256')

/** Names of the preset's click-id parameter, as they are written; in URLs their case may differ. */
export function clickIdNames(preset: Preset): string[] {
  const name = preset.click_id_parameter
  if (name === null) return []
  const also = preset.parameters.find((parameter) => parameter.name === name)?.also ?? []
  return [name, ...also]
}

export const isClickIdName = (preset: Preset, name: string): boolean =>
  clickIdNames(preset).some((one) => one.toLowerCase() === name.toLowerCase())

/** The affiliate's click id, a sub that may carry it, or the network's. */
export const isClickIdMacro = (token: MacroToken): boolean =>
  token.arg === null &&
  /^(?:affiliate_click_id|network_click_id|sub(?:[1-9]|10))$/.test(canonicalMacro(token.name))

/** The click id that a delivery would send there; empty if the click has none. */
export function clickIdOf(macro: ClickIdMacro, facts: ClickIdFacts): string {
  if (macro === 'affiliate_click_id') return facts.affiliateClickId ?? ''
  if (macro === 'network_click_id') return facts.clickId ?? ''
  return facts.subs[Number(macro.slice('sub'.length)) - 1] ?? ''
}

const toPlace = (token: MacroToken): ClickIdPlace => ({
  macro: canonicalMacro(token.name) as ClickIdMacro,
  hasDefault: token.filters.some((filter) => filter.name === 'default' && filter.arg !== ''),
})

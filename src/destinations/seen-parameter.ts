import type { MacroToken } from './template.ts'
import { sourceOf, type UrlParameter } from './url-shape.ts'

/** A query parameter as lint looks at it. */
export type SeenParameter = { name: string; value: string; macros: readonly MacroToken[] }

export const toSeenParameter = (parameter: UrlParameter): SeenParameter => ({
  name: sourceOf(parameter.name),
  value: sourceOf(parameter.value).trim(),
  macros: parameter.value.filter((part) => part.kind === 'macro'),
})

/** By one of these names; spelled exactly if there is such a one, else in any case. */
export function findParameter(
  seen: readonly SeenParameter[],
  names: readonly string[],
): SeenParameter | undefined {
  const inAnyCase = new Set(names.map((name) => name.toLowerCase()))
  return (
    seen.find((one) => names.includes(one.name)) ?? seen.find((one) => inAnyCase.has(one.name.toLowerCase()))
  )
}

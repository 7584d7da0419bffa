import type { Preset, RecogniseRule } from '../../config/presets/preset.ts'
import { preset, TRACKER_PRESETS } from '../../config/presets/presets.ts'
import type { DestinationDefinition } from '../catalogue/catalogue.ts'
import { parseTemplate } from './template.ts'
import { shapeUrl, sourceOf, type UrlShape } from './url-shape.ts'

/** The presets that fit a URL template, best first. Never throws. */
export const recognise = (url: string, own: readonly Preset[] = []): Preset[] =>
  recogniseShape(shapeUrl(parseTemplate(url, 'strict').parts), own)

/**
 * A host says more than a path, a path more than parameters alone; between equals the order of the presets decides, with
 * the network's own first.
 */
export function recogniseShape(shape: UrlShape, own: readonly Preset[] = []): Preset[] {
  const seen = toSeen(shape)
  return [...own, ...TRACKER_PRESETS]
    .map((fitting) => ({ fitting, strength: strengthOf(fitting, seen) }))
    .filter(({ strength }) => strength > 0)
    .sort((a, b) => b.strength - a.strength)
    .map(({ fitting }) => fitting)
}

type Named = Pick<DestinationDefinition, 'preset' | 'url'>

// A network's own preset is no part of the definition that it describes, so it is kept beside it.
const ownByDefinition = new WeakMap<Named, Preset>()

/** Of a network's own presets the one that a definition names, or is recognised as before the built-in ones; else null. */
export function ownPresetFor({ preset: name, url }: Named, own: readonly Preset[]): Preset | null {
  if (own.length === 0) return null
  if (name !== null) return own.find((one) => one.name === name) ?? null
  const [best] = recognise(url, own)
  return best !== undefined && own.includes(best) ? best : null
}

/** From here on the definition is read with this preset. To be called before the definition is compiled. */
export function bindPreset<Definition extends Named>(definition: Definition, own: Preset | null): Definition {
  if (own !== null) ownByDefinition.set(definition, own)
  return definition
}

/** The network's own preset that a definition is read with; null: a built-in one, or none. */
export const boundPreset = (definition: Named): Preset | null => ownByDefinition.get(definition) ?? null

/** The preset of that name, or null. */
export const findPreset = (name: string, own: readonly Preset[] = []): Preset | null =>
  preset(name) ?? own.find((one) => one.name === name) ?? null

/** The preset whose lint and refusal texts hold: the explicit one, else the recognised one, else null. */
export function presetOf(definition: Named): Preset | null {
  const own = boundPreset(definition)
  if (own !== null) return own
  if (definition.preset !== null) return preset(definition.preset)
  return recognise(definition.url)[0] ?? null
}

type Seen = { host: string; segments: readonly string[]; parameters: ReadonlySet<string> }

function toSeen(shape: UrlShape): Seen {
  const host = shape.authority.slice(shape.authority.lastIndexOf('@') + 1).replace(/:\d*$/, '')
  return {
    host: host.toLowerCase(),
    segments: shape.segments.map(sourceOf),
    parameters: new Set(shape.parameters.map((parameter) => sourceOf(parameter.name).toLowerCase())),
  }
}

const HOST_STRENGTH = 4
const PATH_STRENGTH = 2

function strengthOf(fitting: Preset, seen: Seen): number {
  return Math.max(0, ...fitting.recognise.map((rule) => strengthOfRule(rule, seen)))
}

function strengthOfRule(rule: RecogniseRule, seen: Seen): number {
  if (rule.host !== undefined && !fitsHost(rule.host, seen.host)) return 0
  if (rule.path !== undefined && !fitsPath(rule.path, seen.segments)) return 0
  const parameters = rule.parameters ?? []
  if (!parameters.every((name) => seen.parameters.has(name.toLowerCase()))) return 0
  return (rule.host === undefined ? 0 : HOST_STRENGTH) + (rule.path === undefined ? 0 : PATH_STRENGTH) + 1
}

const fitsHost = (pattern: string, host: string): boolean =>
  pattern.startsWith('*.') ? host.endsWith(pattern.slice(1).toLowerCase()) : host === pattern.toLowerCase()

/** Slashes too many are nothing to a web server: https://host/ and /postback, glued together, are //postback. */
function fitsPath(pattern: string, segments: readonly string[]): boolean {
  const wanted = withoutEmpty(pattern.split('/'))
  const seen = withoutEmpty(segments)
  if (wanted[0] !== '**') return seen.length === wanted.length && fitsSegments(wanted, seen)
  const tail = wanted.slice(1)
  return seen.length >= tail.length && fitsSegments(tail, seen.slice(seen.length - tail.length))
}

const withoutEmpty = (segments: readonly string[]): string[] => segments.filter((segment) => segment !== '')

const fitsSegments = (wanted: readonly string[], seen: readonly string[]): boolean =>
  wanted.every((word, index) =>
    word === '*' ? seen[index] !== undefined : word.toLowerCase() === seen[index]?.toLowerCase(),
  )

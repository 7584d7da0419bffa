import type { Preset } from '../../../config/presets/preset.ts'
import { preset as presetNamed } from '../../../config/presets/presets.ts'
import type { DestinationDefinition } from '../../catalogue/catalogue.ts'
import { compileDestination } from '../compile.ts'
import { errorFinding, type Finding, warningFinding } from '../findings.ts'
import { presetOf } from '../recognise.ts'

type Asked = Pick<Partial<DestinationDefinition>, 'preset' | 'method' | 'headers' | 'body'>

/** A destination that names an ad platform gets its method, headers and body where it brings none of its own. */
export function withPlatformDefaults<Input extends Asked>(input: Input): Input {
  const platform = input.preset == null ? null : presetNamed(input.preset)
  if (platform?.kind !== 'ad_platform') return input
  const method = input.method ?? platform.method
  const body = input.body ?? (method === 'POST' ? (platform.body ?? null) : null)
  return {
    ...input,
    method,
    body,
    headers: { ...missingHeaders(platform, input.headers ?? {}), ...input.headers },
  }
}

function missingHeaders(platform: Preset, given: Readonly<Record<string, string>>): Record<string, string> {
  const names = new Set(Object.keys(given).map((name) => name.toLowerCase()))
  return Object.fromEntries(
    Object.entries(platform.headers ?? {}).filter(([name]) => !names.has(name.toLowerCase())),
  )
}

/** What would make an ad platform refuse every event, or drop it in silence. */
export function platformFindings(definition: DestinationDefinition): Finding[] {
  const platform = presetOf(definition)
  if (platform?.kind !== 'ad_platform' || platform.not_built === true) return []
  if (definition.method !== platform.method)
    return [
      errorFinding(
        'method',
        `${platform.title} takes ${platform.method} only.`,
        `Send method ${platform.method} and preset ${platform.name}, which brings the body.`,
      ),
    ]
  if (definition.body === null)
    return [
      errorFinding(
        'body_missing',
        `${platform.title} reads events from the body, and there is none.`,
        `Send preset ${platform.name}, which brings one, or a body of your own.`,
      ),
    ]
  return timeFindings(definition, platform)
}

function timeFindings(definition: DestinationDefinition, platform: Preset): Finding[] {
  const fields = compileDestination(definition).body?.fields ?? []
  if (!fields.some(({ name, only }) => name === 'event_time' && only.name === 'timestamp_ms')) return []
  return [
    warningFinding(
      'event_time_in_ms',
      `${platform.title} wants event_time in seconds; milliseconds are a date far in the future.`,
      'Write {timestamp}.',
    ),
  ]
}

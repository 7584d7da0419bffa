import { plain } from './plain.ts'
import type { Preset } from './preset.ts'
import { voluum } from './voluum.ts'

/** Built-in presets; where several fit a URL equally well, the first one is taken. */
const PRESETS: readonly Preset[] = [voluum, plain]

export const PRESET_NAMES: readonly string[] = PRESETS.map((preset) => preset.name)

/** Presets a URL can be recognised as, in order of precedence. */
export const TRACKER_PRESETS: readonly Preset[] = PRESETS.filter((preset) => preset.kind !== 'plain')

const byName = new Map(PRESETS.map((preset) => [preset.name, preset]))

/** The built-in preset of that name, or null. */
export const preset = (name: string): Preset | null => byName.get(name) ?? null

import { bemob } from './bemob.ts'
import { binomV1 } from './binom-v1.ts'
import { binomV2 } from './binom-v2.ts'
import { clickflare } from './clickflare.ts'
import { funnelflux } from './funnelflux.ts'
import { ga4 } from './ga4.ts'
import { googleDataManager } from './google-data-manager.ts'
import { keitaro } from './keitaro.ts'
import { metaCapi } from './meta-capi.ts'
import { peerclick } from './peerclick.ts'
import { plain } from './plain.ts'
import type { Preset } from './preset.ts'
import { redtrack } from './redtrack.ts'
import { tiktokEvents } from './tiktok-events.ts'
import { voluum } from './voluum.ts'

/** Built-in presets; where several fit a URL equally well, the first one is taken. */
export const PRESETS: readonly Preset[] = [
  voluum,
  binomV1,
  binomV2,
  keitaro,
  redtrack,
  bemob,
  clickflare,
  funnelflux,
  peerclick,
  metaCapi,
  tiktokEvents,
  ga4,
  googleDataManager,
  plain,
]

export const PRESET_NAMES: readonly string[] = PRESETS.map((preset) => preset.name)

/** Presets a URL can be recognised as, in order of precedence. */
export const TRACKER_PRESETS: readonly Preset[] = PRESETS.filter((preset) => preset.kind !== 'plain')

const byName = new Map(PRESETS.map((preset) => [preset.name, preset]))

/** The built-in preset of that name, or null. */
export const preset = (name: string): Preset | null => byName.get(name) ?? null

import type { Preset } from '../../config/presets/preset.ts'
import { preset as builtIn } from '../../config/presets/presets.ts'
import { withControlWrite } from '../catalogue/control-write.ts'
import type { Context } from '../context.ts'
import { AppError } from '../kit/app-error.ts'
import { assertPresetWorks } from './check-preset.ts'
import type { NewPreset, PresetPatch } from './schema.ts'
import { countPresets, insertPreset, lockPreset, updatePreset } from './store.ts'

type Ctx = Pick<Context, 'db' | 'catalogue'>

/** Each is asked about every URL that is pasted. */
const PRESETS_MAX = 200

/** Throws AppError `preset_exists`, or `invalid_field` for what could not work. */
export async function createPreset(ctx: Ctx, body: NewPreset): Promise<Preset> {
  const preset = toPreset(body)
  assertPresetWorks(preset)
  if (builtIn(preset.name) !== null) throw taken(preset.name)
  await withControlWrite(ctx, async (tx, changedIn) => {
    if ((await countPresets(tx)) >= PRESETS_MAX)
      throw new AppError('invalid_field', {
        message: `There are ${PRESETS_MAX} presets already.`,
        fix: 'Change one that is not used any more.',
      })
    if (!(await insertPreset(tx, preset, changedIn))) throw taken(preset.name)
  })
  return preset
}

/** The next version; destinations are read with it from the answer on. Throws like createPreset, and `not_found`. */
export async function changePreset(ctx: Ctx, name: string, patch: PresetPatch): Promise<Preset> {
  if (builtIn(name) !== null)
    throw new AppError('invalid_field', {
      field: 'name',
      message: `${name} comes with the program and can not be changed.`,
      fix: 'Create a preset of your own under another name.',
    })
  return withControlWrite(ctx, async (tx, changedIn) => {
    const stored = await lockPreset(tx, name)
    if (stored === null) throw notFound()
    const preset: Preset = { ...stored, ...patch, version: stored.version + 1 }
    assertPresetWorks(preset)
    await updatePreset(tx, preset, changedIn)
    return preset
  })
}

export const notFound = (): AppError =>
  new AppError('not_found', {
    message: 'There is no such preset.',
    fix: 'GET /v1/presets lists them.',
  })

const taken = (name: string): AppError =>
  new AppError('preset_exists', { field: 'name', message: `There is a preset ${name} already.` })

const toPreset = ({ name, title, ...given }: NewPreset): Preset => ({
  name,
  title,
  version: 1,
  kind: 'tracker',
  method: given.method ?? 'GET',
  example: given.example ?? null,
  recognise: given.recognise ?? [],
  click_id_parameter: given.click_id_parameter ?? null,
  parameters: given.parameters ?? [],
  status: given.status ?? null,
  refusals: given.refusals ?? [],
  dedup: given.dedup ?? 'Not known.',
  replay: given.replay ?? { safe: 'depends', effect: 'The tracker may count the conversion again.' },
  reversal: given.reversal ?? { by_postback: true, how: 'The tracker hears the status rejected.' },
  test_parameters: given.test_parameters ?? {},
  limits: given.limits ?? [],
  notes: [],
})

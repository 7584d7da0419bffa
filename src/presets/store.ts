import type { Preset } from '../../config/presets/preset.ts'
import type { Db, Tx } from '../db/database.ts'

/** Locks the preset for the change; null: there is none of that name. */
export async function lockPreset(tx: Tx, name: string): Promise<Preset | null> {
  const { rows } = await tx.query<{ definition: Preset }>({
    text: 'select definition from presets where name = $1 for update',
    values: [name],
  })
  return rows[0]?.definition ?? null
}

/** False: the name is taken. */
export async function insertPreset(tx: Tx, preset: Preset, changedIn: number): Promise<boolean> {
  const { rowCount } = await tx.query({
    text: 'insert into presets (name, definition, changed_in) values ($1, $2, $3) on conflict (name) do nothing',
    values: [preset.name, preset, changedIn],
  })
  return rowCount === 1
}

export async function updatePreset(tx: Tx, preset: Preset, changedIn: number): Promise<void> {
  await tx.query({
    text: 'update presets set definition = $2, changed_in = $3, updated_at = now() where name = $1',
    values: [preset.name, preset, changedIn],
  })
}

export async function countPresets(db: Db): Promise<number> {
  const { rows } = await db.query<{ n: number }>({
    text: 'select count(*)::int as n from presets',
    values: [],
  })
  return rows[0]?.n ?? 0
}

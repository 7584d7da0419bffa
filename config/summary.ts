import { type Config, SETTINGS, type SettingName } from './schema.ts'

/** The settings as a person may see them in the log: secrets only as "set" or "not set". */
export function summarizeConfig(config: Config): Record<string, unknown> {
  const summary: Record<string, unknown> = {}
  for (const [name, setting] of Object.entries(SETTINGS)) {
    const value = config[name as SettingName]
    summary[setting.env] =
      'secret' in setting && setting.secret ? (value === null ? 'not set' : 'set') : value
  }
  return summary
}

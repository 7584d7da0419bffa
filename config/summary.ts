import { type Config, SETTINGS, type SettingName } from './schema.ts'

/** The settings as a person may see them in the log, which masks the secret ones: only whether they are set is to be seen. */
export function summarizeConfig(config: Config): Record<string, unknown> {
  const summary: Record<string, unknown> = {}
  for (const [name, setting] of Object.entries(SETTINGS)) {
    const value = config[name as SettingName]
    summary[setting.env] = 'secret' in setting && setting.secret && value !== null ? 'set' : value
  }
  return summary
}

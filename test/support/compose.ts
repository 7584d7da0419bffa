import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'

type Service = {
  image?: string
  command?: string[]
  environment?: Record<string, string>
  healthcheck?: { test: string[] }
  depends_on?: Record<string, { condition: string }>
  volumes?: string[]
}

export type Compose = { services: Record<string, Service>; volumes: Record<string, unknown> }

/** compose.yaml with `${NAME}` and `${NAME:?...}` replaced; a name without a value is an error, as it is for compose. */
export async function readCompose(values: Readonly<Record<string, string>>): Promise<Compose> {
  const text = await readFile(new URL('../../compose.yaml', import.meta.url), 'utf8')
  return parse(
    text.replaceAll(/\$\{(\w+)(?::\?[^}]*)?\}/g, (_, name: string) => {
      const value = values[name]
      if (value === undefined) throw new Error(`compose.yaml needs ${name}`)
      return value
    }),
  )
}

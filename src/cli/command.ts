import type { ParseArgsOptionsConfig } from 'node:util'
import { CommandError } from './command-error.ts'
import type { RelayClient } from './relay-client.ts'

/** What a command has to show: to people, or as JSON. */
export type Shown = { text: string; json: unknown }

export type Given = {
  positionals: readonly string[]
  options: Readonly<Record<string, string | boolean | undefined>>
}

/** A command that asks a running relay. */
export type Command = {
  /** What follows the name, e.g. `<id> [--original]`. */
  usage: string
  about: string
  options: ParseArgsOptionsConfig
  run(relay: RelayClient, given: Given): Promise<Shown>
}

/** The one positional, or CommandError that names it. */
export function onePositional({ positionals }: Given, what: string): string {
  const [only, ...rest] = positionals
  if (only === undefined || rest.length > 0) throw new CommandError(`Give exactly one ${what}.`)
  return only
}

/** The options that were given, as a query string with `?`, or empty. */
export function toQuery(options: Given['options'], names: readonly string[]): string {
  const query = new URLSearchParams()
  for (const name of names) {
    const value = options[name]
    if (value !== undefined) query.set(name.replaceAll('-', '_'), String(value))
  }
  return query.size === 0 ? '' : `?${query}`
}

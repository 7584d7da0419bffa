import { parseArgs } from 'node:util'
import { loadConfig } from '../config/load.ts'
import type { Command, Shown } from './cli/command.ts'
import { CommandError } from './cli/command-error.ts'
import { deliveries } from './cli/deliveries.ts'
import { keys } from './cli/keys.ts'
import { ledger } from './cli/ledger.ts'
import { createRelayClient } from './cli/relay-client.ts'
import { replay } from './cli/replay.ts'
import { runMigrate } from './cli/run-migrate.ts'
import { trace } from './cli/trace.ts'
import { createLog } from './kit/log.ts'
import { exitWith } from './run-process.ts'

const COMMANDS: Readonly<Record<string, Command>> = { trace, deliveries, replay, ledger, keys }

const COMMON = {
  url: { type: 'string' },
  key: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

const HELP = `postback-relay <command>

  start                 run the relay (settings are environment variables)
  migrate               bring the database to this version
${Object.entries(COMMANDS)
  .map(([name, command]) => `  ${name} ${command.usage}\n${' '.repeat(24)}${command.about}`)
  .join('\n')}

Commands other than start and migrate ask a running relay:
  --url <url>           where it listens (or RELAY_URL; default http://127.0.0.1:8080)
  --key <key>           an API key (or ADMIN_KEY)
  --json                the answer as JSON
`

async function run([name = 'help', ...args]: readonly string[]): Promise<string> {
  if (['help', '--help', '-h'].includes(name)) return HELP
  if (name === 'migrate') {
    const { values } = parse(args, {})
    if (values.help) return HELP
    const config = loadConfig(process.env)
    return show(await runMigrate(config, createLog({ ...config, logLevel: 'warn' })), values.json)
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command === undefined)
    throw new CommandError(`There is no command "${name}"; "postback-relay help" lists them.`)
  const { values, positionals } = parse(args, command.options)
  if (values.help) return `postback-relay ${name} ${command.usage}\n${command.about}\n`
  const relay = createRelayClient({
    url: values.url ?? setting('RELAY_URL') ?? `http://127.0.0.1:${setting('PORT') ?? 8080}`,
    key: values.key ?? setting('ADMIN_KEY') ?? null,
  })
  return show(await command.run(relay, { positionals, options: values }), values.json)
}

/** As loadConfig reads it: an empty one counts as not set. */
const setting = (name: string): string | undefined => process.env[name]?.trim() || undefined

function parse(args: readonly string[], options: Command['options']) {
  try {
    const parsed = parseArgs({ args: [...args], options: { ...options, ...COMMON }, allowPositionals: true })
    return parsed as {
      values: { [name: string]: string | boolean | undefined } & CommonValues
      positionals: string[]
    }
  } catch (error) {
    throw new CommandError(error instanceof Error ? error.message : String(error))
  }
}

type CommonValues = { url?: string; key?: string; json?: boolean; help?: boolean }

const show = (shown: Shown, asJson: boolean | undefined): string =>
  `${asJson ? JSON.stringify(shown.json, null, 2) : printable(shown.text)}\n`

/** A terminal obeys control characters, and what partners sent may hold some. */
const printable = (text: string): string => text.replaceAll(/(?!\n)\p{Cc}/gu, ' ')

try {
  process.stdout.write(await run(process.argv.slice(2)))
} catch (error) {
  if (!(error instanceof CommandError)) exitWith(error)
  process.stderr.write(`${printable(error.message)}\n`)
  process.exitCode = 1
}

import type { ApiKeyWire } from '../accounts/schema.ts'
import type { Command, Given, Shown } from './command.ts'
import { CommandError } from './command-error.ts'
import type { RelayClient } from './relay-client.ts'
import { toTable, toTime } from './table.ts'

export const keys: Command = {
  usage: 'list [--revoked] | create <name> [--role admin] | revoke <id>',
  about: 'API keys: who may use the control API',
  options: { revoked: { type: 'boolean' }, role: { type: 'string' } },
  run(relay, { positionals: [verb, ...positionals], options }) {
    const run = VERBS.get(verb ?? 'list')
    if (run === undefined) throw new CommandError(`keys has no "${verb}": use list, create or revoke.`)
    return run(relay, { positionals, options })
  },
}

const VERBS = new Map<string, Command['run']>([
  ['list', list],
  ['create', create],
  ['revoke', revoke],
])

async function list(relay: RelayClient, { options }: Given): Promise<Shown> {
  const data: ApiKeyWire[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: { data: ApiKeyWire[]; next_cursor: string | null } = await relay.get(
      `/v1/keys?limit=100${options.revoked ? '&revoked=true' : ''}${cursor === '' ? '' : `&cursor=${cursor}`}`,
    )
    data.push(...page.data)
    cursor = page.next_cursor
  }
  const rows = data.map((key) => [
    key.id,
    key.name,
    key.role,
    `${key.shown}...`,
    toTime(key.created_at),
    toTime(key.last_used_at) ?? 'never',
    toTime(key.revoked_at),
  ])
  const heading = ['ID', 'NAME', 'ROLE', 'KEY', 'CREATED (UTC)', 'LAST USED (UTC)', 'REVOKED (UTC)']
  return {
    json: { data, next_cursor: null },
    text: rows.length === 0 ? 'There are no keys.' : toTable(heading, rows),
  }
}

async function create(relay: RelayClient, { positionals, options }: Given): Promise<Shown> {
  const name = positionals.join(' ')
  if (name === '') throw new CommandError('Give the key a name: keys create <name>.')
  const json = await relay.post<ApiKeyWire>('/v1/keys', { name, ...(options.role && { role: options.role }) })
  return { json, text: `${json.key}\nThis is the only time that the key is shown. Its id is ${json.id}.` }
}

async function revoke(relay: RelayClient, { positionals }: Given): Promise<Shown> {
  const [id, ...rest] = positionals
  if (id === undefined || rest.length > 0) throw new CommandError('Give exactly one id: keys revoke <id>.')
  const json = await relay.delete<ApiKeyWire>(`/v1/keys/${encodeURIComponent(id)}`)
  return { json, text: `The key ${json.id} (${json.name}) is refused from now on.` }
}

import type { LedgerWire } from '../reports/schema.ts'
import { type Command, toQuery } from './command.ts'
import { count, toTable, toTime } from './table.ts'

export const ledger: Command = {
  usage: '[--from <time>] [--to <time>] [--explain]',
  about: 'Whether everything that was accepted has its place (default: the last 24 hours)',
  options: { from: { type: 'string' }, to: { type: 'string' }, explain: { type: 'boolean' } },
  async run(relay, { options }) {
    const json = await relay.get<LedgerWire>(`/v1/ledger${toQuery(options, ['from', 'to', 'explain'])}`)
    return { json, text: describe(json) }
  },
}

function describe(wire: LedgerWire): string {
  const { accepted, ...revisions } = wire.revisions
  const verdict =
    wire.unaccounted === 0
      ? 'Everything is accounted for.'
      : `${wire.unaccounted} UNACCOUNTED: please report this as a bug${wire.explain ? '' : '; --explain names them'}.`
  return [
    `${toTime(wire.from)} to ${toTime(wire.to)} UTC: ${count(accepted, 'revision', 'revisions')} accepted.`,
    verdict,
    '',
    toTable(['REVISIONS', ''], Object.entries(revisions)),
    '',
    toTable(['DELIVERIES', ''], Object.entries(wire.deliveries)),
    ...(wire.explain ?? []).map(
      (entry) => `${entry.conversion_id} revision ${entry.revision}: ${entry.message}`,
    ),
  ].join('\n')
}

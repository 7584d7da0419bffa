import type { DeliveryDetailWire, DeliveryWire } from '../deliveries/schema.ts'
import { type Command, toQuery } from './command.ts'
import { CommandError } from './command-error.ts'
import { count, toTable, toTime } from './table.ts'

const FILTERS = [
  ...['state', 'reason', 'affiliate-id', 'destination-id', 'offer-id', 'advertiser-id', 'click-id'],
  ...['affiliate-click-id', 'transaction-id', 'conversion-id', 'http-status', 'error', 'from', 'to', 'q'],
  ...['limit', 'cursor'],
]

export const deliveries: Command = {
  usage: '[<id>] [--state failed,refused] [--destination-id <id>] [--q <any id>] [--from <time>] ...',
  about: `The delivery log, or one delivery with its attempts; filters: ${FILTERS.join(', ')}`,
  options: Object.fromEntries(FILTERS.map((name) => [name, { type: 'string' as const }])),
  async run(relay, { positionals: [id, ...rest], options }) {
    if (rest.length > 0) throw new CommandError('Give one id, or filters.')
    if (id !== undefined) {
      const json = await relay.get<DeliveryDetailWire>(`/v1/deliveries/${encodeURIComponent(id)}`)
      return { json, text: describeOne(json) }
    }
    const json = await relay.get<{ data: DeliveryWire[]; next_cursor: string | null }>(
      `/v1/deliveries${toQuery(options, FILTERS)}`,
    )
    return { json, text: describeList(json) }
  },
}

function describeList({ data, next_cursor }: { data: DeliveryWire[]; next_cursor: string | null }): string {
  if (data.length === 0) return 'No delivery fits.'
  const more = next_cursor === null ? [] : ['', `More with --cursor ${next_cursor}`]
  return [toDeliveryTable(data), ...more].join('\n')
}

export const toDeliveryTable = (rows: readonly DeliveryWire[]): string =>
  toTable(
    ['ID', 'CREATED (UTC)', 'STATE', 'REASON', 'STATUS', 'PAYOUT', 'TRIES', 'LAST', 'DESTINATION'],
    rows.map((row) => [
      row.id,
      toTime(row.created_at),
      row.state,
      row.reason,
      row.status,
      row.payout === null ? null : `${row.payout} ${row.currency}`,
      row.attempts_count,
      row.last?.error ?? row.last?.http_status,
      row.destination_id,
    ]),
  )

function describeOne(delivery: DeliveryDetailWire): string {
  const attempts = delivery.attempts.map((attempt) => [
    attempt.number,
    toTime(attempt.started_at),
    attempt.verdict,
    attempt.response?.status,
    attempt.error,
    attempt.timings_ms?.total,
    attempt.remote_ip,
  ])
  const curl = delivery.curl === null ? [] : ['', 'The last call again, secrets masked:', delivery.curl]
  return [
    toDeliveryTable([delivery]),
    '',
    attempts.length === 0
      ? 'It was not tried yet.'
      : toTable(['TRY', 'STARTED (UTC)', 'VERDICT', 'STATUS', 'ERROR', 'MS', 'ADDRESS'], attempts),
    `${count(delivery.attempts.length, 'attempt', 'attempts')} in all.`,
    ...curl,
  ].join('\n')
}

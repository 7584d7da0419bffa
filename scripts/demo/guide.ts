import type { Client } from './client.ts'
import type { DemoAffiliate } from './demo-trackers.ts'

/** Things of this run that a person can look at. */
export type Shown = {
  client: Client
  key: string
  token: string
  affiliates: readonly DemoAffiliate[]
  logFile: string
  /** Order id of a sale that Anna's tracker has. */
  annasOrder: string
  /** Of Anna's rejected sale. */
  rejectedOrder: string
  /** Of a sale that Emil's tracker refused. */
  refusedDelivery: string
  /** A click without a sale. */
  freeClick: string
}

/** What to look at and how; every line is made to be copied into another terminal. */
export function toGuide(shown: Shown): string {
  const { client, affiliates } = shown
  const emil = affiliates.find((one) => one.id === 'demo-emil')
  const anna = affiliates.find((one) => one.id === 'demo-anna')
  const steps: [string, ...string[]][] = [
    ['Is everything accounted for? "unaccounted" is 0, whatever happens.', get('/v1/ledger')],
    ['What became of a sale? By its order id, or any other id.', get(`/v1/trace?id=${shown.annasOrder}`)],
    ['What does the tracker itself have? Its own export.', `curl -s ${anna?.tracker.url}/report.csv`],
    [
      'Chen: errors are tried again; see attempts_count.',
      get('/v1/deliveries?destination_id=demo-chen&state=delivered&limit=5'),
    ],
    [
      'Dana: nothing is dropped while a tracker is dead; due_at says when it goes on.',
      get('/v1/deliveries?destination_id=demo-dana&state=scheduled,held&limit=3'),
    ],
    [
      'Emil: the tracker answers 200 and counts nothing. The attempt shows what it said.',
      get(`/v1/deliveries/${shown.refusedDelivery}`),
    ],
    [
      '   Correct the URL, then replay what was refused:',
      `curl -s -X PATCH -H "$AUTH" -H 'content-type: application/json' -d '{"url":"${emil?.rightUrl}"}' "$RELAY/v1/destinations/demo-emil"`,
      `curl -s -X POST -H "$AUTH" "$RELAY/v1/deliveries/${shown.refusedDelivery}/replay"`,
    ],
    [
      'Anna: Voluum takes nothing back by postback, so a rejection is skipped and says why ...',
      get(`/v1/trace?id=${shown.rejectedOrder}`),
      get('/v1/destinations/demo-anna/reversals.csv'),
    ],
    [
      'Calls of the shop that could not be taken, with the reason.',
      get('/v1/inbound-calls?result=quarantined&limit=3'),
    ],
    [
      'Report a sale yourself, then look for it.',
      `curl -s "$RELAY/postback/${shown.token}?click_id=${shown.freeClick}&order_id=my-order&amount=100"`,
      get('/v1/trace?id=my-order'),
    ],
  ]
  return [
    '',
    `The demo runs at ${client.url} (documentation: ${client.url}/docs). Its log: ${shown.logFile}`,
    'A shoe shop reports sales of five affiliates:',
    '',
    ...affiliates.map(
      (one) => `  ${one.name.padEnd(6)} ${one.trackerName.padEnd(9)} ${one.condition} (${one.id})`,
    ),
    '',
    'Copy these two lines into another terminal first:',
    '',
    `  RELAY=${client.url}`,
    `  AUTH='Authorization: Bearer ${shown.key}'`,
    '',
    'Answers are JSON in one line: with jq installed, put "| jq" behind a line, or "| jq .verdict" behind a trace.',
    ...steps.flatMap(([says, ...commands], at) => ['', numbered(says, at, steps), ...commands.map(indented)]),
    '',
    'Ctrl-C stops everything; the data stays for the next time.',
    '',
  ].join('\n')
}

const get = (path: string): string => `curl -s -H "$AUTH" "$RELAY${path}"`

const indented = (command: string): string => `  ${command}`

/** A sentence that starts with spaces goes on with the step before. */
function numbered(says: string, at: number, steps: readonly [string, ...string[]][]): string {
  if (says.startsWith(' ')) return says
  return `${steps.slice(0, at + 1).filter(([one]) => !one.startsWith(' ')).length}. ${says}`
}

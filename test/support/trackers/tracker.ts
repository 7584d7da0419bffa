import { randomBytes } from 'node:crypto'
import { type Received, type Receiver, type Reply, startReceiver } from '../receiver.ts'
import { type CsvRow, toCsvText } from './csv-text.ts'

/** A call as a tracker reads it: query and form fields together. */
export type TrackerCall = Received & { path: string; fields: URLSearchParams }

/** What a tracker counted, or was told and did not count. */
export type TrackedConversion = {
  clickId: string
  transactionId: string | null
  /** In the tracker's own words; null where it knows none. */
  status: string | null
  type: string | null
  payout: number
  currency: string | null
  clickedAt: Date
  at: Date
}

export type Tracker = {
  /** Without a slash at its end. */
  url: string
  receiver: Receiver
  /** A visitor came: the id that the tracker puts into its link to the network. */
  newClick(): string
  conversions(): readonly TrackedConversion[]
  /** The tracker's own export. Also served at /report.csv. */
  csv(): string
  /** What happens to calls before the tracker reads them; null: nothing. */
  disturb(disturbance: Disturbance | null): void
  close(): Promise<void>
}

/** Null lets the call through. */
export type Disturbance = (call: TrackerCall) => Reply | null

export type TrackerRules = {
  answer(call: TrackerCall): Reply
  newClick(): string
  conversions(): readonly TrackedConversion[]
  export(): readonly CsvRow[]
}

/** Serves a tracker's rules on a port of 127.0.0.1; 0 takes a free one. */
export async function serveTracker(rules: TrackerRules, port = 0): Promise<Tracker> {
  let disturbance: Disturbance | null = null
  const csv = (): string => toCsvText(rules.export())
  const receiver = await startReceiver({
    port,
    replies: (received) => {
      const call = toCall(received)
      if (call.path === '/report.csv')
        return { status: 200, headers: { 'content-type': 'text/csv; charset=utf-8' }, body: csv() }
      return disturbance?.(call) ?? rules.answer(call)
    },
  })
  return {
    url: receiver.url,
    receiver,
    newClick: rules.newClick,
    conversions: rules.conversions,
    csv,
    disturb: (next) => {
      disturbance = next
    },
    close: receiver.close,
  }
}

function toCall(received: Received): TrackerCall {
  const fields = new URLSearchParams(received.query)
  const isForm = received.headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true
  if (isForm) for (const [name, value] of new URLSearchParams(received.body)) fields.append(name, value)
  return { ...received, path: received.url.split('?', 1)[0] ?? '', fields }
}

/** A field that is there and not empty. */
export const field = (call: TrackerCall, ...names: readonly string[]): string | null => {
  for (const name of names) {
    const value = call.fields.get(name)
    if (value !== null && value !== '') return value
  }
  return null
}

/** The amount of a field; 0 where there is none or no number. */
export const amountField = (call: TrackerCall, ...names: readonly string[]): number => {
  const amount = Number(field(call, ...names) ?? '0')
  return Number.isFinite(amount) ? amount : 0
}

/** Clicks of one tracker, and when they were made. */
export function createClicks(prefix: string, length: number) {
  const clicks = new Map<string, Date>()
  return {
    newClick(): string {
      const id = (prefix + randomBytes(length).toString('hex')).slice(0, length)
      clicks.set(id, new Date())
      return id
    },
    clickedAt: (id: string): Date | null => clicks.get(id) ?? null,
  }
}

/**
 * The answers that a tracker may give where its documentation says nothing: always an empty 200, a 200 with a text that
 * names the problem, or an error status.
 */
export type AnswerStyle = 'silent' | 'text' | 'status_400' | 'status_404'
export const ANSWER_STYLES: readonly AnswerStyle[] = ['silent', 'text', 'status_400', 'status_404']

/** An answer in one of those styles; `problem` null: it was counted. */
export function answerIn(style: AnswerStyle, problem: string | null): Reply {
  if (style === 'silent') return 200
  if (problem === null) return { status: 200, body: 'OK' }
  if (style === 'text') return { status: 200, body: problem }
  return { status: style === 'status_400' ? 400 : 404, body: problem }
}

/** Money as trackers write it: two digits after the point, up to six where needed. */
export const money = (amount: number): string => amount.toFixed(6).replace(/0{1,4}$/, '')

import { randomBytes } from 'node:crypto'
import type { Reply } from '../receiver.ts'
import {
  type AnswerStyle,
  amountField,
  answerIn,
  createClicks,
  field,
  money,
  serveTracker,
  type TrackedConversion,
  type Tracker,
  type TrackerCall,
} from './tracker.ts'

/** DOMAIN.md 3.1 RedTrack [118][122]. */
export type DuplicateMode = 'create' | 'ignore' | 'edit' | 'increment' | 'ignore_by_event_id'

export type RedtrackOptions = {
  port?: number
  /** DOMAIN.md 3.1 RedTrack [119]: configured conversion types, compared with their case. */
  types?: readonly string[]
  /** What a repeat of click and type does. */
  duplicates?: DuplicateMode
  /** DOMAIN.md 3.1 RedTrack [123]: older clicks are ignored without a word. */
  clickLifeMs?: number
  /** DOMAIN.md 3.1 RedTrack: "Response code/body ... not found". */
  answers?: AnswerStyle
}

type RedtrackConversion = TrackedConversion & { id: string }

/** DOMAIN.md 3.1 RedTrack [119]. */
const STATUSES = ['approved', 'pending', 'declined']

/** DOMAIN.md 3.1 RedTrack: /postback?clickid&sum&type&status&currency&rdtk_event_id [118][119][120]. */
export async function startRedtrack(options: RedtrackOptions = {}): Promise<Tracker> {
  const clicks = createClicks('', 24)
  const counted: RedtrackConversion[] = []
  const take = (call: TrackerCall): string | null => {
    const clickId = field(call, 'clickid')
    if (clickId === null) return 'clickid is missing'
    const clickedAt = clicks.clickedAt(clickId)
    if (clickedAt === null) return 'unknown clickid'
    if (Date.now() - clickedAt.getTime() > (options.clickLifeMs ?? Number.POSITIVE_INFINITY))
      return 'click expired'
    const type = field(call, 'type') ?? 'Conversion'
    if (!(options.types ?? ['Conversion']).includes(type)) return 'unknown type'
    return record(counted, options.duplicates ?? 'create', toConversion(call, { clickId, clickedAt, type }))
  }
  const answer = (call: TrackerCall): Reply => {
    if (call.path === '/conversions') return exportJson(counted)
    return call.path === '/postback' ? answerIn(options.answers ?? 'silent', take(call)) : { status: 404 }
  }
  return serveTracker(
    {
      newClick: clicks.newClick,
      conversions: () => counted,
      export: () => counted.map(toRow),
      answer,
    },
    options.port,
  )
}

const toConversion = (
  call: TrackerCall,
  { clickId, clickedAt, type }: { clickId: string; clickedAt: Date; type: string },
): RedtrackConversion => {
  const told = field(call, 'status')?.toLowerCase() ?? ''
  return {
    id: randomBytes(12).toString('hex'),
    clickId,
    transactionId: field(call, 'rdtk_event_id'),
    // DOMAIN.md 3.1 RedTrack [119]: no status means other.
    status: STATUSES.includes(told) ? told : 'other',
    type,
    payout: amountField(call, 'sum'),
    currency: field(call, 'currency'),
    clickedAt,
    at: new Date(),
  }
}

/** DOMAIN.md 3.1 RedTrack [118][122]: what a replay does depends on the setting. */
function record(counted: RedtrackConversion[], mode: DuplicateMode, told: RedtrackConversion): string | null {
  const at = counted.findIndex(
    (one) =>
      one.clickId === told.clickId &&
      one.type === told.type &&
      (mode === 'ignore' || one.transactionId === told.transactionId),
  )
  const before = counted[at]
  if (before === undefined || mode === 'create') {
    counted.push(told)
    return null
  }
  if (mode === 'edit') counted[at] = { ...told, id: before.id, at: before.at }
  if (mode === 'increment') counted[at] = { ...before, payout: before.payout + told.payout }
  return mode === 'ignore' || mode === 'ignore_by_event_id' ? 'duplicate' : null
}

/** DOMAIN.md 3.1 RedTrack [125]: names of its export. */
const toRow = (one: RedtrackConversion) => ({
  id: one.id,
  clickid: one.clickId,
  type: one.type ?? '',
  payout: money(one.payout),
  currency: one.currency ?? 'USD',
  campaign: 'Demo campaign',
  campaign_id: '1',
  created_at: one.at.toISOString(),
})

const exportJson = (counted: readonly RedtrackConversion[]): Reply => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ total: counted.length, items: counted.map(toRow) }),
})

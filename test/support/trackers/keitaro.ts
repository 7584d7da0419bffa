import type { Reply } from '../receiver.ts'
import {
  amountField,
  createClicks,
  field,
  money,
  serveTracker,
  type TrackedConversion,
  type Tracker,
  type TrackerCall,
} from './tracker.ts'

export type KeitaroOptions = {
  port?: number
  /** DOMAIN.md 3.1 Keitaro: a segment of the path. */
  key?: string
  /** DOMAIN.md 3.1 Keitaro [109][113]: older ones take a missing status as sale, newer ones ignore the postback. */
  version?: 'older' | 'newer'
  /** DOMAIN.md 3.1 Keitaro: "HTTP status on error: not found". */
  errorStatus?: 200 | 400 | 404
  /** Not found: what a postback that is ignored for its status is answered with. */
  ignoredAnswer?: 'Success' | 'Postback ignored.'
  /** Not found: whether a transition that is not documented (rejected to sale) is applied. */
  otherTransitions?: 'applied' | 'ignored'
  /** DOMAIN.md 3.1 Keitaro [109]: the offer takes rebills. */
  rebills?: boolean
}

export type KeitaroConversion = TrackedConversion & {
  status: string
  previousStatus: string | null
  originalStatus: string
}

/** DOMAIN.md 3.1 Keitaro [109]. */
const TRANSITIONS = new Set(['lead>sale', 'lead>rejected', 'sale>rejected', 'rebill>rejected'])
/** DOMAIN.md 3.1 Keitaro [109], newer ones included. */
const STATUSES = ['lead', 'sale', 'rejected', 'rebill', 'registration', 'deposit', 'trash']

/** DOMAIN.md 3.1 Keitaro: /KEY/postback?subid&status&payout&currency&tid&return&sale_status ... [109][110]. */
export async function startKeitaro(options: KeitaroOptions = {}): Promise<Tracker & { key: string }> {
  const key = options.key ?? 'a1b2c3d'
  const clicks = createClicks('', 20)
  const byIdentity = new Map<string, KeitaroConversion>()
  const error = (text: string): Reply => ({ status: options.errorStatus ?? 200, body: text })
  const answer = (call: TrackerCall): Reply => {
    const [, givenKey, page] = call.path.split('/')
    if (page !== 'postback') return { status: 404 }
    // DOMAIN.md 3.1 Keitaro [115][116].
    if (givenKey !== key) return error('Incorrect postback code')
    const clickId = field(call, 'subid', 'clickid')
    if (clickId === null) return error('Incorrect subid "". Postback ignored.')
    const clickedAt = clicks.clickedAt(clickId)
    if (clickedAt === null) return error('SubID not found')
    const status = readStatus(call, options)
    if (status === null || !record(byIdentity, options, { call, clickId, clickedAt, status }))
      return { status: 200, body: options.ignoredAnswer ?? 'Success' }
    // DOMAIN.md 3.1 Keitaro: text Success, or the return= string.
    return { status: 200, body: field(call, 'return') ?? 'Success' }
  }
  const tracker = await serveTracker(
    {
      newClick: clicks.newClick,
      conversions: () => [...byIdentity.values()],
      export: () => [...byIdentity.values()].map(toRow),
      answer,
    },
    options.port,
  )
  return { ...tracker, key }
}

/** Null: ignored. DOMAIN.md 3.1 Keitaro: aliases [111], sale_status= and the like [109], missing or unknown [113]. */
function readStatus(call: TrackerCall, options: KeitaroOptions): string | null {
  const told = field(call, 'status', 'type')
  if (told === null) return options.version === 'older' ? 'sale' : null
  const isListed = (name: string): boolean => (field(call, name) ?? '').split(',').includes(told)
  if (isListed('ignore_status') || isListed('ignore')) return null
  for (const status of ['sale', 'lead', 'rejected']) if (isListed(`${status}_status`)) return status
  return STATUSES.includes(told) ? told : null
}

/** False: ignored. DOMAIN.md 3.1 Keitaro [111]: subid + tid is one record, without tid the subid is; the same overwrites. */
function record(
  byIdentity: Map<string, KeitaroConversion>,
  options: KeitaroOptions,
  {
    call,
    clickId,
    clickedAt,
    status,
  }: { call: TrackerCall; clickId: string; clickedAt: Date; status: string },
): boolean {
  const transactionId = field(call, 'tid')
  const identity = JSON.stringify([clickId, transactionId])
  const before = byIdentity.get(identity)
  // DOMAIN.md 3.1 Keitaro [109]: a rebill needs the offer's setting and a tid of its own.
  if (status === 'rebill' && (options.rebills !== true || transactionId === null)) return false
  const isMove = before !== undefined && before.status !== status
  if (isMove && options.otherTransitions === 'ignored' && !TRANSITIONS.has(`${before.status}>${status}`))
    return false
  const hasPayout = field(call, 'payout', 'revenue', 'profit') !== null
  byIdentity.set(identity, {
    clickId,
    transactionId,
    status,
    previousStatus: before?.status ?? null,
    originalStatus: field(call, 'status', 'type') ?? '',
    type: null,
    payout: hasPayout ? amountField(call, 'payout', 'revenue', 'profit') : (before?.payout ?? 0),
    currency: field(call, 'currency') ?? before?.currency ?? null,
    clickedAt,
    // DOMAIN.md 3.1 Keitaro [114]: the date of the first postback of subid + tid.
    at: before?.at ?? new Date(),
  })
  return true
}

/** DOMAIN.md 3.1 Keitaro [111][117]: columns of its conversion log. */
const toRow = (one: KeitaroConversion) => ({
  sub_id: one.clickId,
  tid: one.transactionId ?? '',
  click_datetime: toLocal(one.clickedAt),
  postback_datetime: toLocal(one.at),
  status: one.status,
  previous_status: one.previousStatus ?? '',
  original_status: one.originalStatus,
  revenue: money(one.payout),
  campaign: 'Demo campaign',
  offer: 'Demo offer',
  country: 'DE',
})

const toLocal = (at: Date): string => at.toISOString().slice(0, 19).replace('T', ' ')

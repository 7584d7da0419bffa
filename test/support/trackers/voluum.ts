import { readCsvText } from './csv-text.ts'
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

export type VoluumOptions = {
  port?: number
  /** DOMAIN.md 3.1 Voluum: "HTTP status/body for good, bad or duplicate cid: not found". */
  answers?: AnswerStyle
  /** DOMAIN.md 3.1 Voluum [97][98]: the affiliate network takes repeats without txid. */
  acceptDuplicates?: boolean
  /** DOMAIN.md 3.1 Voluum [97]: "Only accept postbacks from white-listed IPs". */
  allowedIps?: readonly string[]
  /** DOMAIN.md 3.1 Voluum [100]: the offer's manual payout, which the postback's does not change. */
  manualPayout?: number
  /** DOMAIN.md 3.1 Voluum [94]: custom conversions that exist, case-sensitive. */
  types?: readonly string[]
}

export type Voluum = Tracker & {
  /** DOMAIN.md 3.1 Voluum [99]: a conversion upload, where the payout may be negative. Returns how many rows were taken. */
  upload(csv: string): number
}

/** DOMAIN.md 3.1 Voluum: GET or form POST /postback?cid&payout&txid&currency&et&param1..5 [93][95]; cid is all it takes [94]. */
export async function startVoluum(options: VoluumOptions = {}): Promise<Voluum> {
  const clicks = createClicks('w', 24)
  const counted: TrackedConversion[] = []
  const count = (fields: Omit<TrackedConversion, 'at'>): string | null => {
    const same = counted.filter((one) => one.clickId === fields.clickId)
    // DOMAIN.md 3.1 Voluum [96]: the same cid without txid is dropped, cid + txid counts once, a new txid is an upsell.
    if (fields.transactionId === null && same.length > 0 && options.acceptDuplicates !== true)
      return 'duplicate cid'
    if (fields.transactionId !== null && same.some((one) => one.transactionId === fields.transactionId))
      return 'duplicate txid'
    counted.push({ ...fields, at: new Date() })
    return null
  }
  const take = (call: TrackerCall): string | null => {
    if (options.allowedIps !== undefined && !options.allowedIps.includes('127.0.0.1')) return 'ip not allowed'
    const clickId = field(call, 'cid')
    if (clickId === null) return 'cid is missing'
    const clickedAt = clicks.clickedAt(clickId)
    if (clickedAt === null) return 'unknown cid'
    const type = field(call, 'et')
    if (type !== null && !(options.types ?? []).includes(type)) return 'unknown et'
    return count({
      clickId,
      transactionId: field(call, 'txid'),
      status: null,
      type,
      payout: options.manualPayout ?? amountField(call, 'payout'),
      currency: field(call, 'currency'),
      clickedAt,
    })
  }
  const tracker = await serveTracker(
    {
      newClick: clicks.newClick,
      conversions: () => counted,
      export: () => counted.map(toRow),
      answer: (call) =>
        call.path === '/postback' ? answerIn(options.answers ?? 'silent', take(call)) : { status: 404 },
    },
    options.port,
  )
  return {
    ...tracker,
    upload: (csv) =>
      readCsvText(csv).filter((row) => {
        const clickedAt = clicks.clickedAt(row.cid ?? '')
        if (clickedAt === null) return false
        const fields = { clickId: row.cid ?? '', transactionId: row.txid ?? null, clickedAt }
        const payout = Number(row.payout)
        return count({ ...fields, status: null, type: null, payout, currency: row.currency ?? null }) === null
      }).length,
  }
}

/** DOMAIN.md 3.1 Voluum [102][103]: columns of its conversion report. */
const toRow = (one: TrackedConversion) => ({
  postbackTimestamp: one.at.toISOString(),
  visitTimestamp: one.clickedAt.toISOString(),
  clickId: one.clickId,
  transactionId: one.transactionId ?? '',
  revenue: money(one.payout),
  cost: money(0),
  profit: money(one.payout),
  conversionType: one.type ?? '',
  campaignName: 'Demo campaign',
  offerName: 'Demo offer',
  countryCode: 'DE',
})

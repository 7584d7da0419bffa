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

export type BinomOptions = {
  port?: number
  version: 1 | 2
  /** DOMAIN.md 3.1 Binom [104]: an installation in a folder has the folder before click.php. */
  folder?: string
  /** DOMAIN.md 3.1 Binom: "Response code/body ... not found". */
  answers?: AnswerStyle
  /** DOMAIN.md 3.1 Binom [108]: a repeat adds to the payout. */
  upsell?: boolean
  /** DOMAIN.md 3.1 Binom [106]: the offer's fixed payout, which the postback's does not change. */
  fixedPayout?: number
  /** DOMAIN.md 3.1 Binom [105]: if-then-else over cnv_status, the first match decides; no match keeps the word. */
  statusScheme?: readonly { word: string; status: string }[]
}

export type Binom = Tracker & {
  /** Click ids of the postbacks that Binom sent on to the traffic source. */
  passedOn: readonly string[]
}

/** DOMAIN.md 3.1 Binom: /click.php in v1 [104], /click in v2 [105][106]; cnv_id, payout, cnv_status, cnv_currency. */
export async function startBinom(options: BinomOptions): Promise<Binom> {
  const clicks = createClicks('', 32)
  const byClick = new Map<string, TrackedConversion>()
  const passedOn: string[] = []
  const path = `${options.folder ?? ''}${options.version === 1 ? '/click.php' : '/click'}`
  const take = (call: TrackerCall): string | null => {
    const clickId = field(call, 'cnv_id')
    if (clickId === null) return 'cnv_id is missing'
    const clickedAt = clicks.clickedAt(clickId)
    if (clickedAt === null) return 'unknown cnv_id'
    byClick.set(clickId, update(options, byClick.get(clickId), { call, clickId, clickedAt }))
    // DOMAIN.md 3.1 Binom [108].
    if (field(call, 'disable_postback') !== '1') passedOn.push(clickId)
    return null
  }
  const tracker = await serveTracker(
    {
      newClick: clicks.newClick,
      conversions: () => [...byClick.values()],
      export: () => [...byClick.values()].map(toRow),
      answer: (call) =>
        call.path === path ? answerIn(options.answers ?? 'silent', take(call)) : { status: 404 },
    },
    options.port,
  )
  return { ...tracker, passedOn }
}

/**
 * DOMAIN.md 3.1 Binom: no transaction id is listed, so a click has one conversion; a repeat updates it [inferred from
 * 108], with Upsell it adds to the payout [108].
 */
function update(
  options: BinomOptions,
  before: TrackedConversion | undefined,
  { call, clickId, clickedAt }: { call: TrackerCall; clickId: string; clickedAt: Date },
): TrackedConversion {
  const told = field(call, 'cnv_status')
  const status = options.statusScheme?.find((rule) => rule.word === told)?.status ?? told
  const hasPayout = call.fields.has('payout')
  const payout = options.fixedPayout ?? (hasPayout ? amountField(call, 'payout') : (before?.payout ?? 0))
  return {
    clickId,
    transactionId: null,
    status,
    type: field(call, 'cnv_status2'),
    payout: before !== undefined && options.upsell === true ? before.payout + payout : payout,
    currency: field(call, 'cnv_currency') ?? before?.currency ?? null,
    clickedAt,
    at: before?.at ?? new Date(),
  }
}

/** DOMAIN.md 3.1 Binom [105]: columns of its conversions table. */
const toRow = (one: TrackedConversion) => ({
  Clickid: one.clickId,
  'Time click': toLocal(one.clickedAt),
  'Time conversion': toLocal(one.at),
  'Time since click': `${Math.round((one.at.getTime() - one.clickedAt.getTime()) / 1000)}s`,
  Payout: money(one.payout),
  Offer: 'Demo offer',
  GEO: 'DE',
  'Traffic source': 'Demo source',
})

const toLocal = (at: Date): string => at.toISOString().slice(0, 19).replace('T', ' ')

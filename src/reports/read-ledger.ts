import type { Context } from '../context.ts'
import { type Tx, withTx } from '../db/database.ts'
import { AppError } from '../kit/app-error.ts'
import { encodeId, lowestUuid } from '../kit/ids.ts'
import {
  countDeliveries,
  countRevisions,
  countScheduled,
  findUnaccounted,
  type LedgerSpan,
  type Unaccounted,
} from './ledger-store.ts'
import type { LedgerWire, UnaccountedWire } from './schema.ts'

const HOUR_MS = 3_600_000
const SPAN_DEFAULT_MS = 24 * HOUR_MS
const SPAN_MAX_MS = 31 * 24 * HOUR_MS
const EXAMPLES_MAX = 100

/**
 * Checks that every revision accepted in [from, to) and every delivery of it has its place. Everything is counted from
 * the rows themselves, each hour in one snapshot; no counter is an input. Throws AppError for a span that is empty or too long.
 */
export async function readLedger(
  ctx: Pick<Context, 'db' | 'clock'>,
  input: { from: Date | null; to: Date | null; explain: boolean },
): Promise<LedgerWire> {
  const to = input.to?.getTime() ?? ctx.clock.nowMs() + 1
  const from = input.from?.getTime() ?? to - SPAN_DEFAULT_MS
  if (from >= to) throw new AppError('invalid_field', { field: 'from', fix: 'Give a "from" before "to".' })
  if (to - from > SPAN_MAX_MS)
    throw new AppError('invalid_field', { field: 'from', fix: 'Ask for at most 31 days at once.' })
  const ledger = emptyLedger(from, to)
  const explain: UnaccountedWire[] = []
  for (const span of hoursOf(from, to)) {
    const counted = await readHour(ctx, span, EXAMPLES_MAX - explain.length)
    addTo(ledger.revisions, counted.revisions)
    addTo(ledger.deliveries, counted.deliveries)
    ledger.unaccounted += counted.unaccounted
    explain.push(...counted.examples.map(toWire))
  }
  return input.explain ? { ...ledger, explain } : ledger
}

/** A revision and its deliveries carry the same millisecond, so an hour is whole in itself. */
const readHour = (ctx: Pick<Context, 'db'>, span: LedgerSpan, examplesMax: number) =>
  withTx(
    ctx.db.reads,
    async (tx) => {
      const { isComplete, ...counts } = await countSpan(tx, span)
      if (isComplete) return { ...counts, unaccounted: 0, examples: [] }
      const { total, examples } = await findUnaccounted(tx, span, examplesMax)
      return { ...counts, unaccounted: total, examples }
    },
    'begin isolation level repeatable read read only',
  )

type SpanCounts = Pick<LedgerWire, 'revisions' | 'deliveries'> & {
  /** Nothing of the span is unaccounted. */
  isComplete: boolean
}

async function countSpan(tx: Tx, span: LedgerSpan): Promise<SpanCounts> {
  const revisions = await countRevisions(tx, span)
  const deliveries = await countDeliveries(tx, span)
  const counted = { ...NO_REVISIONS, ...revisions.counts }
  const states = { ...NO_DELIVERIES, ...deliveries.counts }
  const { held, lost } = states.scheduled > 0 ? await countScheduled(tx, span) : { held: 0, lost: 0 }
  const { accepted, fanned_out, waiting, parked, unattributed } = counted
  return {
    revisions: counted,
    deliveries: { ...states, scheduled: states.scheduled - held, held },
    isComplete:
      lost === 0 &&
      accepted === fanned_out + waiting + parked + unattributed &&
      revisions.fanOutSum === deliveries.fanOutSum,
  }
}

/**
 * In pieces, so that no statement of a busy day runs into its time limit, and no snapshot is held so long that what
 * deliveries leave behind in `due` can not be cleared away.
 */
function* hoursOf(from: number, to: number): Generator<LedgerSpan> {
  for (let start = from; start < to; start += HOUR_MS)
    yield { fromId: lowestUuid(start), toId: lowestUuid(Math.min(start + HOUR_MS, to)) }
}

const NO_REVISIONS = { accepted: 0, fanned_out: 0, waiting: 0, parked: 0, unattributed: 0 }
const NO_DELIVERIES = {
  scheduled: 0,
  held: 0,
  delivered: 0,
  refused: 0,
  failed: 0,
  skipped: 0,
  superseded: 0,
  cancelled: 0,
}

const emptyLedger = (from: number, to: number): LedgerWire => ({
  from: new Date(from).toISOString(),
  to: new Date(to).toISOString(),
  revisions: { ...NO_REVISIONS },
  deliveries: { ...NO_DELIVERIES },
  unaccounted: 0,
})

function addTo<Name extends string>(
  sums: Record<Name, number>,
  counts: Readonly<Partial<Record<Name, number>>>,
): void {
  for (const name of Object.keys(counts) as Name[]) sums[name] += counts[name] ?? 0
}

const MESSAGES: Record<Unaccounted['kind'], string> = {
  revision_without_place: 'The revision is neither fanned out nor waiting for anything.',
  deliveries_missing: 'The revision has fewer delivery rows than its fan-out wrote.',
  deliveries_unexpected: 'There are more delivery rows than the fan-out of the revision wrote.',
  delivery_without_place: 'The delivery is scheduled, but it neither waits nor travels.',
}

const toWire = (one: Unaccounted): UnaccountedWire => ({
  kind: one.kind,
  message: MESSAGES[one.kind],
  conversion_id: encodeId('conversion', one.conversionId),
  revision: one.revision,
  count: one.count,
  ...('deliveryId' in one && { delivery_id: encodeId('delivery', one.deliveryId) }),
})

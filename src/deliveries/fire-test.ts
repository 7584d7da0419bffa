import { preset as presetNamed } from '../../config/presets/presets.ts'
import type { Destination } from '../catalogue/catalogue.ts'
import type { Context } from '../context.ts'
import { withTx } from '../db/database.ts'
import { compileDestination } from '../destinations/compile.ts'
import { isTooOld } from '../destinations/event-time.ts'
import { presetOf } from '../destinations/recognise.ts'
import { type Rendered, renderDelivery } from '../destinations/render.ts'
import { withTestMarks } from '../destinations/test-marks.ts'
import { AppError } from '../kit/app-error.ts'
import { encodeId, newUuid } from '../kit/ids.ts'
import { type Sent, toAttemptRecord } from './attempt-record.ts'
import { readDelivery } from './find-deliveries.ts'
import type { TestFireWire } from './fire-test-schema.ts'
import { hideSecrets } from './hide-secrets.ts'
import type { AttemptRecord } from './outcome.ts'
import { refusingRenderErrors, withPayoutDue } from './preview-destination.ts'
import { renderContext } from './render-row.ts'
import { loadSample, madeUpId, type Sample, type SampleAsked } from './sample.ts'
import { insertTestDelivery } from './sample-store.ts'
import { explainTest } from './test-meaning.ts'
import { judge, type Verdict, verdictRulesOf } from './verdict.ts'

type Ctx = Pick<Context, 'db' | 'catalogue' | 'clock' | 'config' | 'secrets' | 'outbound'>

/**
 * Calls a destination once, now, with a conversion that is marked as a test, and keeps the call as a delivery of its
 * own: outside of the ledger, of statistics and of what rules look back at. A paused destination is called too. Throws
 * AppError archived, destination_invalid, overloaded, invalid_field for an event that is too old, and those of loadSample.
 */
export async function fireTest(
  ctx: Ctx,
  destination: Destination,
  asked: SampleAsked,
): Promise<TestFireWire> {
  if (destination.archived) throw new AppError('archived', { message: 'The destination is archived.' })
  const sample = asTest(await loadSample(ctx, destination, asked))
  const preset = presetOf(destination.definition)
  const { definition, marks } = withTestMarks(destination.definition, preset)
  assertYoung(ctx, destination, sample)
  const facts = await withPayoutDue(ctx, destination, sample.facts)
  const input = { ...renderContext(ctx), facts, destination: { definition }, offer: sample.offer }
  const sent = await call(
    ctx,
    refusingRenderErrors(() => renderDelivery(input)),
  )
  const nowMs = ctx.clock.nowMs()
  const judgement = judge(sent.outcome, verdictRulesOf(definition), nowMs)
  const kept = { ...sent, outcome: hideSecrets(sent.outcome, definition, ctx.secrets) }
  const attempt = toAttemptRecord({ sent: kept, judgement, destination, replayId: null, idMs: nowMs })
  await store(ctx, destination, sample, attempt)
  const stored = await readDelivery(ctx, sample.facts.deliveryId)
  const [shown] = stored.attempts
  if (shown === undefined) throw new Error('the test fire was not stored')
  return {
    ...shown,
    delivery_id: encodeId('delivery', sample.facts.deliveryId),
    transaction_id: sample.facts.transactionId ?? '',
    affiliate_click_id: sample.facts.affiliateClickId,
    test: true,
    marks,
    meaning: explainTest({
      preset: preset ?? presetNamed('plain'),
      answer: { httpStatus: attempt.httpStatus, error: attempt.error, body: bodyOf(kept) },
      verdict: attempt.verdict,
      madeUp: sample.madeUp,
      marks,
      transactionId: sample.facts.transactionId ?? '',
    }),
    curl: stored.curl,
  }
}

async function call(
  ctx: Pick<Context, 'clock' | 'config' | 'outbound'>,
  { request, recorded }: Rendered,
): Promise<Sent> {
  const startedAt = ctx.clock.now()
  const outcome = await ctx.outbound.send({
    ...request,
    timeoutMs: ctx.config.deliveryTimeoutMs,
    mayStart: () => true,
  })
  if (outcome.kind === 'not_sent') throw new AppError('overloaded')
  return { outcome, startedAt, recorded }
}

/** Ids of its own, so that no tracker takes it for the conversion that it was made from. */
const asTest = (sample: Sample): Sample & { storedConversionId: string } => ({
  ...sample,
  storedConversionId: sample.facts.conversionId,
  facts: { ...sample.facts, conversionId: sample.facts.deliveryId, transactionId: madeUpId(), test: true },
})

function assertYoung(ctx: Pick<Context, 'clock'>, destination: Destination, { facts }: Sample): void {
  if (!isTooOld(compileDestination(destination.definition), facts, ctx.clock.nowMs())) return
  throw new AppError('invalid_field', {
    field: 'conversion_id',
    message: 'The conversion is older than what this receiver takes.',
    fix: 'Name a younger one, or test with an affiliate_click_id.',
  })
}

const STATES = { delivered: 'delivered', refused: 'refused', retry: 'failed' } as const satisfies Record<
  Verdict,
  string
>

async function store(
  ctx: Pick<Context, 'db'>,
  destination: Destination,
  { facts, advertiserId, storedConversionId }: ReturnType<typeof asTest>,
  attempt: AttemptRecord,
): Promise<void> {
  const { event, transactionId, clickId, affiliateClickId } = facts
  const row = {
    ...facts,
    id: facts.deliveryId,
    conversionId: storedConversionId,
    revisionId: newUuid(attempt.startedAt.getTime()),
    destinationId: destination.id,
    advertiserId,
    state: STATES[attempt.verdict],
    testFacts: {
      event,
      transaction_id: transactionId,
      click_id: clickId,
      affiliate_click_id: affiliateClickId,
    },
  }
  await withTx(ctx.db.results, (tx) => insertTestDelivery(tx, row, attempt))
}

const bodyOf = ({ outcome }: Sent): string | null => (outcome.kind === 'answer' ? outcome.answer.body : null)

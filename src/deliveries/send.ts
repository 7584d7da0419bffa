import type { Destination } from '../catalogue/catalogue.ts'
import type { Context } from '../context.ts'
import { compileDestination } from '../destinations/compile.ts'
import { isTooOld } from '../destinations/event-time.ts'
import type { Rendered, RenderedRequest } from '../destinations/render.ts'
import { travelBanOf } from '../dispatch/travel-ban.ts'
import type { TravellingRow } from '../dispatch/travelling.ts'
import { toError } from '../kit/app-error.ts'
import { type Sent, toAttemptRecord } from './attempt-record.ts'
import { disableDestination } from './disable-destination.ts'
import { hideSecrets } from './hide-secrets.ts'
import { logAttempt } from './log-attempt.ts'
import { type AttemptRecord, cancel, fail, giveBack, nextAfter, type Outcome, skip } from './outcome.ts'
import { renderContext, renderTask } from './render-row.ts'
import { planRetry } from './retry-plan.ts'
import { retryScheduleMs } from './retry-schedule.ts'
import { NoThreadError, type SuspectRoom } from './suspect-room.ts'
import { type Judgement, judge, verdictRulesOf } from './verdict.ts'

export type SendContext = Pick<
  Context,
  'config' | 'log' | 'clock' | 'db' | 'catalogue' | 'outbound' | 'secrets' | 'metrics'
> & {
  suspects: SuspectRoom
  random(): number
  mayStart(row: TravellingRow): boolean
  /** Unix ms by Postgres' clock, which decides about partitions. */
  storeNowMs(): number
}

/** What was asked for beside the row itself; loaded with its batch. */
export type Loaded = {
  /** True where payoutDueBefore was looked up. */
  hasPayoutDue: boolean
  /** Recorded request of the last attempt, for a replay of the original; null where it is not kept any more. */
  original: RenderedRequest | null
}

/**
 * Sends one delivery as its destination is now and says what follows. Never rejects for what the row, its destination
 * or its receiver does: that ends as an outcome. A row whose lease may end before the call does goes back unsent.
 */
export async function sendDelivery(ctx: SendContext, row: TravellingRow, loaded: Loaded): Promise<Outcome> {
  const ban = travelBanOf(ctx.catalogue, { ...row.facts, ...row })
  if (ban !== null) return ban.cancel === null ? giveBack(row) : cancel(row, ban.cancel)
  const destination = ctx.catalogue.destination(row.destinationId)
  if (destination === undefined || !ctx.mayStart(row)) return giveBack(row)
  const compiled = compileDestination(destination.definition)
  if (isTooOld(compiled, row.facts, ctx.clock.nowMs())) return skip(row, 'event_too_old')
  if (compiled.usesPayoutDelta && !loaded.hasPayoutDue) return giveBack(row)
  const rendered = await render(ctx, row, destination, loaded).catch(toError)
  if (rendered instanceof NoThreadError) return giveBack(row, { delayMs: NO_THREAD_WAIT_MS })
  if (rendered instanceof Error) return fail(row, 'render_failed', rendered.message.slice(0, 200))
  const sent = await call(ctx, row, rendered)
  if (sent === null) return giveBack(row)
  return conclude(ctx, row, destination, sent)
}

async function render(
  ctx: SendContext,
  row: TravellingRow,
  destination: Destination,
  loaded: Loaded,
): Promise<Rendered> {
  const offer = ctx.catalogue.offer(row.facts.offerId)
  if (offer === undefined) throw new Error('The offer is not known any more.')
  if (row.replayRender === 'original' && loaded.original === null)
    throw new Error('The recorded request is not kept any more.')
  const original = row.replayRender === 'original' ? loaded.original : null
  const task = { facts: row.facts, destination, offer, original }
  return row.batch.suspect ? ctx.suspects.render(task) : renderTask(renderContext(ctx), task)
}

async function call(
  ctx: SendContext,
  row: TravellingRow,
  { request, recorded }: Rendered,
): Promise<Sent | null> {
  const startedAt = ctx.clock.now()
  const outcome = await ctx.outbound.send({
    ...request,
    timeoutMs: ctx.config.deliveryTimeoutMs,
    mayStart: () => ctx.mayStart(row),
  })
  return outcome.kind === 'not_sent' ? null : { outcome, startedAt, recorded }
}

async function conclude(
  ctx: SendContext,
  row: TravellingRow,
  destination: Destination,
  sent: Sent,
): Promise<Outcome> {
  const judged = await judgeSent(ctx, row, destination, sent).catch(toError)
  const judgement = judged instanceof Error ? UNJUDGED : withinReplay(row, judged)
  const isCondemned = judged instanceof Error && !(judged instanceof NoThreadError)
  if (judgement.disable) await disableDestination(ctx, destination)
  const next = isCondemned
    ? { state: 'failed' as const, reason: 'verdict_failed', error: judged.message.slice(0, 200) }
    : nextAfter(judgement, row.heldForMs, () =>
        planRetry({
          retriesUsed: row.retriesUsed,
          scheduleMs: retryScheduleMs(ctx.config, destination.definition),
          random: ctx.random(),
        }),
      )
  const attempt = toAttempt(ctx, row, destination, sent, judgement)
  const outcome: Outcome = { row, attempt, next, floods: false }
  logAttempt(ctx, outcome, attempt, sent.outcome)
  return outcome
}

const NO_THREAD_WAIT_MS = 5000

const UNJUDGED: Judgement = { verdict: 'retry', error: 'verdict_failed', retryAfterMs: null, disable: false }

/** An original may have gone to an address that was corrected since: that one's end says nothing about the present one. */
const withinReplay = ({ replayRender }: TravellingRow, judgement: Judgement): Judgement =>
  replayRender === 'original' ? { ...judgement, disable: false } : judgement

async function judgeSent(
  ctx: SendContext,
  row: TravellingRow,
  { definition }: Destination,
  { outcome }: Sent,
): Promise<Judgement> {
  const rules = verdictRulesOf(definition)
  const nowMs = ctx.clock.nowMs()
  return row.batch.suspect ? ctx.suspects.judge({ outcome, rules, nowMs }) : judge(outcome, rules, nowMs)
}

const CLOCK_SKEW_MAX_MS = 3_600_000

function toAttempt(
  ctx: SendContext,
  row: TravellingRow,
  destination: Destination,
  sent: Sent,
  judgement: Judgement,
): AttemptRecord {
  const storeNowMs = ctx.storeNowMs()
  const idMs = Math.min(
    Math.max(ctx.clock.nowMs(), storeNowMs - CLOCK_SKEW_MAX_MS),
    storeNowMs + CLOCK_SKEW_MAX_MS,
  )
  const kept = { ...sent, outcome: hideSecrets(sent.outcome, destination.definition, ctx.secrets) }
  return toAttemptRecord({ sent: kept, judgement, destination, replayId: row.replayId, idMs })
}

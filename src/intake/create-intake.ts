import type { Context } from '../context.ts'
import { isRefusedValue, isSameRowTwice, isUnavailable, sqlState } from '../db/database.ts'
import { hintBatches } from '../dispatch/hint-batches.ts'
import { AppError } from '../kit/app-error.ts'
import { type Claims, claimsOf, HeldClaims } from './claims.ts'
import { type Flushed, flushReports } from './flush.ts'
import type { InboundRow } from './inbound-parts.ts'
import { quarantinedRow } from './inbound-row.ts'
import type { Intake, IntakeOutcome } from './intake.ts'
import { hashReport } from './merge.ts'
import type { FlushReport } from './report.ts'
import { isInboundCallStored } from './store.ts'

type IntakeContext = Pick<
  Context,
  'config' | 'log' | 'clock' | 'db' | 'catalogue' | 'queues' | 'roads' | 'metrics'
>

/** One caller's wait: a report to decide, or a refused call to keep. */
type Waiting = {
  work: { report: FlushReport; claims: Claims | null } | { refused: InboundRow }
  /** Since when it waits for room, and not for an earlier report about the same conversion. */
  sinceMs: number
  resolve(outcome: IntakeOutcome): void
  reject(error: Error): void
}

const FLUSHERS = 4
const FLUSH_ROWS_MAX = 256
/** So many must wait for each flush that runs before another joins: fewer and fuller flushes cost less each. */
const ROWS_PER_FLUSHER = 16
const WAITING_ROWS_MAX = 2000
/** Of one conversion, which are decided one after the other; the longest list of POST /v1/conversions. */
const WAITING_FOR_ONE_MAX = 1000
const WAITING_MS_MAX = 500

/**
 * The group commit: calls that arrive while a flush runs share the next one. Up to four at a time, because a commit's
 * disk wait leaves the processor free for the next flush.
 */
export function createIntake(ctx: IntakeContext): Intake {
  let waiting: Waiting[] = []
  let running = 0
  /** Of the reports in flushes that run: a later one about the same conversion must not overtake. */
  const busy = new HeldClaims()
  /** The sinceMs of the first in line that waits for room. */
  let oldestMs: number | null = null
  let closed = false
  let onIdle: (() => void) | null = null

  const assertRoom = (): void => {
    const isLate = oldestMs !== null && ctx.clock.monotonicMs() - oldestMs > WAITING_MS_MAX
    if (closed || isLate || waiting.length >= WAITING_ROWS_MAX) throw new AppError('overloaded')
  }

  const assertRoomFor = (claims: Claims | null): void => {
    assertRoom()
    if (claims === null || waiting.length < WAITING_FOR_ONE_MAX) return
    const same = waiting.filter(({ work }) => claimsIn(work)?.alone === claims.alone)
    if (same.length >= WAITING_FOR_ONE_MAX) throw new AppError('overloaded')
  }

  const enqueue = (work: Waiting['work']): Promise<IntakeOutcome> =>
    new Promise((resolve, reject) => {
      const sinceMs = ctx.clock.monotonicMs()
      waiting.push({ work, sinceMs, resolve, reject })
      const claims = claimsIn(work)
      if (claims === null || !busy.blocks(claims)) oldestMs ??= sinceMs
      // After the current turn, so that calls of one turn (a list, a burst on one socket) share a flush.
      if (waiting.length === 1) setImmediate(pump)
    })

  const pump = (): void => {
    while (running < FLUSHERS && waiting.length > running * ROWS_PER_FLUSHER) {
      const { taken, left, oldest } = takeFlush(waiting, busy, ctx.clock.monotonicMs())
      oldestMs = oldest?.sinceMs ?? null
      if (taken.length === 0) return
      waiting = left
      running++
      const held = taken.flatMap(({ work }) => claimsIn(work) ?? [])
      for (const claims of held) busy.hold(claims)
      void settle(ctx, taken).finally(() => {
        running--
        for (const claims of held) busy.release(claims)
        if (running === 0 && waiting.length === 0) onIdle?.()
        pump()
      })
    }
  }

  return {
    assertRoom,
    async submit(call, report, readBy) {
      const claims = claimsOf(call.advertiserId, report)
      assertRoomFor(claims)
      const outcome = await enqueue({ report: { call, report, hash: hashReport(report), readBy }, claims })
      if (outcome.result !== 'stale')
        ctx.metrics.conversion(outcome.result === 'refused' ? 'quarantined' : outcome.result)
      return outcome
    },
    async quarantine(call, error, found) {
      assertRoom()
      await enqueue({ refused: quarantinedRow(call, error, found) })
      ctx.metrics.conversion('quarantined')
    },
    async close() {
      closed = true
      if (running === 0 && waiting.length === 0) return
      await new Promise<void>((resolve) => {
        onIdle = resolve
      })
    },
  }
}

const claimsIn = (work: Waiting['work']): Claims | null => ('claims' in work ? work.claims : null)

/**
 * The next flush: no two reports that may be about one conversion, so that they are decided one after the other. A later
 * one stays in line, and so does what waits for it.
 */
function takeFlush(
  waiting: readonly Waiting[],
  busy: HeldClaims,
  nowMs: number,
): { taken: Waiting[]; left: Waiting[]; oldest: Waiting | undefined } {
  const taken: Waiting[] = []
  const left: Waiting[] = []
  const before = new HeldClaims()
  let oldest: Waiting | undefined
  for (const one of waiting) {
    const claims = claimsIn(one.work)
    const isBlocked = claims !== null && (busy.blocks(claims) || before.blocks(claims))
    if (isBlocked) one.sinceMs = nowMs
    else if (taken.length >= FLUSH_ROWS_MAX) oldest ??= one
    if (isBlocked || taken.length >= FLUSH_ROWS_MAX) left.push(one)
    else taken.push(one)
    if (claims !== null) before.hold(claims)
  }
  return { taken, left, oldest }
}

/** Flushes and answers every caller, whatever happens. */
async function settle(ctx: IntakeContext, taken: readonly Waiting[]): Promise<void> {
  try {
    await flushOrHalve(ctx, taken)
  } catch (error) {
    const isAway = isUnavailable(error)
    ctx.log[isAway ? 'warn' : 'error']({ err: error, rows: taken.length }, 'intake flush failed')
    const refusal = isAway ? new AppError('store_unavailable', { cause: error }) : (error as Error)
    for (const one of taken) one.reject(refusal)
  }
}

/** A bug of ours that one report met. */
const isOwnError = (error: unknown): boolean => sqlState(error) === null && !isUnavailable(error)

/**
 * Postgres refuses a value (SQLSTATE 22, 23, 54), or our own code fails: the flush is halved until the guilty row is alone
 * and refused. Such a value should have been refused at the HTTP boundary, hence the error line. Also halved is a flush where
 * a report by transaction and one by click turn out to be about one stored conversion.
 */
async function flushOrHalve(ctx: IntakeContext, taken: readonly Waiting[]): Promise<void> {
  try {
    await flush(ctx, taken)
  } catch (error) {
    if (!isRefusedValue(error) && !isSameRowTwice(error) && !isOwnError(error)) throw error
    const [only, ...others] = taken
    if (only && others.length === 0) {
      if (isOwnError(error)) throw error
      ctx.log.error({ err: error }, 'a report could not be stored')
      only.reject(
        new AppError('malformed', {
          message: 'The report holds a value that can not be stored.',
          cause: error,
        }),
      )
      return
    }
    const middle = Math.ceil(taken.length / 2)
    await settle(ctx, taken.slice(0, middle))
    await settle(ctx, taken.slice(middle))
  }
}

async function flush(ctx: IntakeContext, taken: readonly Waiting[]): Promise<void> {
  const reports = taken.flatMap(({ work }) => ('report' in work ? [work.report] : []))
  const refused = taken.flatMap(({ work }) => ('refused' in work ? [work.refused] : []))
  const { outcomes, batchIds, conversions } = await flushOnce(ctx, reports, refused)
  hintBatches(ctx, 'deliver', batchIds)
  for (const { plan } of conversions)
    for (const { state } of plan.fanOut.deliveries) ctx.metrics.deliveries(state)
  let next = 0
  for (const one of taken) {
    if ('refused' in one.work) one.resolve({ result: 'refused', error: new AppError('malformed') })
    else one.resolve(outcomes[next++] as IntakeOutcome)
  }
}

/**
 * A connection lost during COMMIT leaves open whether it happened. Every flush writes an inbound call per row, so one
 * of them tells; if it is there the transaction is, and a second try finds every report repeated.
 */
async function flushOnce(
  ctx: IntakeContext,
  reports: readonly FlushReport[],
  refused: readonly InboundRow[],
): Promise<Flushed> {
  const decided: { last: Flushed | null } = { last: null }
  try {
    return await flushReports(ctx, reports, refused, (result) => {
      decided.last = result
    })
  } catch (error) {
    const callId = reports[0]?.call.id ?? refused[0]?.call.id
    if (decided.last === null || callId === undefined || !isUnavailable(error)) throw error
    if (await isInboundCallStored(ctx.db.reads, callId)) return decided.last
    throw error
  }
}

import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Context } from '../context.ts'
import type { Rendered } from '../destinations/render.ts'
import type { OutboundOutcome } from '../outbound/outbound.ts'
import type { RenderTask } from './render-row.ts'
import type { Judgement, VerdictRules } from './verdict.ts'

type JudgeTask = {
  kind: 'judge'
  outcome: Exclude<OutboundOutcome, { kind: 'not_sent' }>
  rules: VerdictRules
  nowMs: number
}
type SuspectRenderTask = RenderTask & {
  kind: 'render'
  /** Sealed secret -> plain: the key stays outside. */
  opened: Record<string, string>
  partnerIds: { offer: string; affiliate: string }
  version: string
  now: Date
}
export type SuspectTask = JudgeTask | SuspectRenderTask
export type SuspectAnswer = { value: unknown; error: string | null }

/** Renders and judges where only a thread can die. Both reject with what is wrong with the row, its death included. */
export type SuspectRoom = {
  render(task: RenderTask): Promise<Rendered>
  judge(task: Omit<JudgeTask, 'kind'>): Promise<Judgement>
  close(): Promise<void>
}

export type RoomLimits = { memoryMb: number; taskMs: number; idleMs: number }

const LIMITS: RoomLimits = { memoryMb: 64, taskMs: 5000, idleMs: 10_000 }

/**
 * One thread for one row at a time, started when it is needed. Its death makes that row fail, so a row that kills
 * its process is found without condemning those that only travelled beside it.
 */
export function createSuspectRoom(
  ctx: Pick<Context, 'catalogue' | 'secrets' | 'config' | 'clock'>,
  limits: RoomLimits = LIMITS,
): SuspectRoom {
  let thread: Worker | null = null
  let last: Promise<unknown> = Promise.resolve()
  let idle: NodeJS.Timeout | undefined

  const close = async (): Promise<void> => {
    clearTimeout(idle)
    const ending = thread
    thread = null
    await ending?.terminate()
  }

  const askNow = async (task: SuspectTask): Promise<unknown> => {
    clearTimeout(idle)
    thread ??= startThread(limits)
    const answer = await askThread(thread, task, limits).catch(async (error: unknown) => {
      await close()
      throw error
    })
    idle = setTimeout(close, limits.idleMs).unref()
    if (answer.error !== null) throw new Error(answer.error)
    return answer.value
  }

  const ask = (task: SuspectTask): Promise<unknown> => {
    const asked = last.then(() => askNow(task))
    last = asked.catch(() => undefined)
    return asked
  }

  return {
    render: (task) => ask(toSuspectTask(ctx, task)) as Promise<Rendered>,
    judge: (task) => ask({ kind: 'judge', ...task }) as Promise<Judgement>,
    close,
  }
}

// The packed program is .js, a checkout .ts.
const startThread = ({ memoryMb }: RoomLimits): Worker =>
  new Worker(new URL(`./suspect-thread${extname(import.meta.url)}`, import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: memoryMb, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 },
  }).on('error', () => undefined)

async function askThread(thread: Worker, task: SuspectTask, { taskMs }: RoomLimits): Promise<SuspectAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<SuspectAnswer>()
  const timer = setTimeout(() => reject(new Error(`no end after ${taskMs} ms`)), taskMs)
  const died = (error: unknown): void =>
    reject(new Error(error instanceof Error ? error.message : 'the thread ended'))
  thread.once('message', resolve)
  thread.once('error', died)
  thread.once('exit', died)
  try {
    thread.postMessage(task)
    return await promise
  } finally {
    clearTimeout(timer)
    thread.off('message', resolve).off('error', died).off('exit', died)
  }
}

function toSuspectTask(
  ctx: Pick<Context, 'catalogue' | 'secrets' | 'config' | 'clock'>,
  task: RenderTask,
): SuspectRenderTask {
  const { definition } = task.destination
  const sealed = [...Object.values(definition.secrets), definition.signing_secret].filter(
    (one) => one !== null,
  )
  return {
    ...task,
    kind: 'render',
    destination: { definition },
    opened: Object.fromEntries(sealed.flatMap((one) => openOne(ctx, one))),
    offer: { name: task.offer.name, shared: task.offer.shared },
    partnerIds: {
      offer: ctx.catalogue.partnerId('offer', task.facts.offerId),
      affiliate: ctx.catalogue.partnerId('affiliate', task.facts.affiliateId),
    },
    version: ctx.config.version,
    now: ctx.clock.now(),
  }
}

/** A secret that can't be opened stays out, and the thread says so. */
function openOne(ctx: Pick<Context, 'secrets'>, sealed: string): [string, string][] {
  try {
    return [[sealed, ctx.secrets.open(sealed)]]
  } catch {
    return []
  }
}

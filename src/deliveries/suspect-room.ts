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

/** taskMs counts from the thread's readiness: a busy machine is not the row's fault. */
export type RoomLimits = { memoryMb: number; startMs: number; taskMs: number; idleMs: number }

const LIMITS: RoomLimits = { memoryMb: 64, startMs: 30_000, taskMs: 5000, idleMs: 10_000 }

/** What a thread says when it can take its first task. */
export const READY = 'ready'

/** No thread could be had; this says nothing about the row. */
export class NoThreadError extends Error {}

/**
 * One thread for one row at a time, started when it is needed. Its death makes that row fail, so a row that kills
 * its process is found without condemning those that only travelled beside it.
 */
export function createSuspectRoom(
  ctx: Pick<Context, 'catalogue' | 'secrets' | 'config' | 'clock'>,
  limits: RoomLimits = LIMITS,
): SuspectRoom {
  let thread: Promise<Worker> | null = null
  let last: Promise<unknown> = Promise.resolve()
  let idle: NodeJS.Timeout | undefined

  const close = async (): Promise<void> => {
    clearTimeout(idle)
    const ending = thread
    thread = null
    await ending?.then((one) => one.terminate()).catch(() => undefined)
  }

  const askNow = async (task: SuspectTask): Promise<unknown> => {
    clearTimeout(idle)
    const answer = await askStarted(task).catch(async (error: unknown) => {
      await close()
      throw error
    })
    idle = setTimeout(close, limits.idleMs).unref()
    if (answer.error !== null) throw new Error(answer.error)
    return answer.value
  }

  const forget = (): void => {
    thread = null
  }
  const askStarted = async (task: SuspectTask): Promise<SuspectAnswer> => {
    thread ??= startThread(limits).then((started) => started.once('exit', forget))
    const started = await thread
    return (await exchange(started, { post: task, withinMs: limits.taskMs })) as SuspectAnswer
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

async function startThread({ memoryMb, startMs }: RoomLimits): Promise<Worker> {
  // The packed program is .js, a checkout .ts.
  const entry = new URL(`./suspect-thread${extname(import.meta.url)}`, import.meta.url)
  const thread = new Worker(entry, {
    resourceLimits: { maxOldGenerationSizeMb: memoryMb, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 },
  }).on('error', () => undefined)
  try {
    await exchange(thread, { post: null, withinMs: startMs })
    return thread
  } catch (cause) {
    await thread.terminate()
    throw new NoThreadError('no thread for a suspect', { cause })
  }
}

/** Posts a message, if there is one, and waits for the next message of the thread. Rejects when the thread dies. */
async function exchange(
  thread: Worker,
  { post, withinMs }: { post: SuspectTask | null; withinMs: number },
): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const timer = setTimeout(() => reject(new Error(`no end after ${withinMs} ms`)), withinMs)
  const died = (error: unknown): void =>
    reject(new Error(error instanceof Error ? error.message : 'the thread ended'))
  thread.once('message', resolve)
  thread.once('error', died)
  thread.once('exit', died)
  try {
    if (post !== null) thread.postMessage(post)
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

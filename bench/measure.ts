import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { forkReady, type RunningProcess, usageOf } from './processes.ts'
import type { Subject } from './relay-under-test.ts'
import { closedLoop } from './wrk.ts'

/** Until V8 has compiled what is hot: a fresh process takes a quarter more for each delivery. */
export const WARM_UP_CALLS = 20_000

/** Rates per second; cpuUs: processor time per delivery by kind of process; memory in MiB at the end. */
export type Throughput = {
  calls: number
  acceptedPerS: number
  deliveredWhileLoadedPerS: number
  deliveredWithDrainPerS: number
  refused: number
  lost: number
  cpuUs: Record<string, number>
  rssMiB: Record<string, number>
}

/** Milliseconds. */
export type Latency = { ratePerS: number; accept: Percentiles; toTracker: Percentiles }
export type Percentiles = { p50: number; p99: number; max: number }

/** Unix ms of a transaction. */
type Stamped = readonly [transactionId: string, atMs: number][]

export type Receiver = {
  port: number
  calls(): Promise<number>
  record(on: boolean): Promise<[transactionId: string, atMs: number][]>
  /** Calls to these paths (`/d1`) are taken and never answered, all others answered. */
  hang(paths: string[]): Promise<void>
  stop(): void
}

export async function startReceiver(): Promise<Receiver> {
  const { child, first } = await forkReady('./receiver.ts')
  const ask = async (message: {
    record?: boolean
    hang?: string[]
  }): Promise<{ calls: number; arrivals: [string, number][] }> => {
    const answer = once(child, 'message')
    child.send(message)
    return (await answer)[0]
  }
  return {
    port: Number(first.port),
    calls: async () => (await ask({})).calls,
    record: async (on) => (await ask({ record: on })).arrivals,
    hang: async (paths) => {
      await ask({ hang: paths })
    },
    stop: () => child.disconnect(),
  }
}

type LoadOptions = {
  prefix: string
  /** The number of the first one that is called. */
  firstDestination?: number
  destinations: number
  connections: number
  calls: number
  ratePerS: number
  /** So many of the first are sent, but left out of the times: the sender has to get warm itself. */
  unmeasured?: number
}
type LoadReport = {
  accepted: number
  refused: number
  ms: number
  latenciesMs: number[]
  sentAtMs: [string, number][]
}

/** Reports conversions at a constant rate, from a process of its own, and returns what was answered. */
export async function load(subject: Subject, options: LoadOptions): Promise<LoadReport> {
  const { child }: { child: ChildProcess } = await forkReady('./load.ts')
  const done = once(child, 'message')
  const { port, path, clickPrefix } = subject
  child.send({ port, path, clickPrefix, ...options })
  const [report] = await done
  child.disconnect()
  return report as LoadReport
}

/** Closed loop: as fast as the answers come. The drain ends when every accepted conversion was delivered. */
export async function measureThroughput(
  subject: Subject,
  receiver: Receiver,
  options: {
    calls: number
    destinations: number
    connections: number
    prefix: string
    progress(text: string): void
  },
): Promise<Throughput> {
  const before = await receiver.calls()
  const cpuBefore = cpuByKind(subject)
  const startedMs = performance.now()
  const report = await closedLoop(subject, options)
  const whileLoaded = (await receiver.calls()) - before
  const drained = await drain(receiver, before + report.accepted, options.progress)
  const totalS = (performance.now() - startedMs) / 1000
  const cpuAfter = cpuByKind(subject)
  const delivered = drained - before
  return {
    calls: options.calls,
    acceptedPerS: report.accepted / (report.ms / 1000),
    deliveredWhileLoadedPerS: whileLoaded / (report.ms / 1000),
    deliveredWithDrainPerS: delivered / totalS,
    refused: report.refused,
    lost: report.accepted - delivered,
    cpuUs: Object.fromEntries(
      Object.entries(cpuAfter).map(([kind, s]) => [
        kind,
        ((s - (cpuBefore[kind] ?? 0)) * 1e6) / Math.max(1, delivered),
      ]),
    ),
    rssMiB: memoryByKind(subject),
  }
}

/** Open loop at a constant rate: how long an accept takes, and how long until the tracker heard of it. */
export async function measureLatency(
  subject: Subject,
  receiver: Receiver,
  options: { ratePerS: number; seconds: number; destinations: number; connections: number; prefix: string },
): Promise<Latency> {
  await receiver.record(true)
  const before = await receiver.calls()
  const calls = Math.round(options.ratePerS * (options.seconds + 1))
  const report = await load(subject, { ...options, calls, unmeasured: options.ratePerS })
  await drain(receiver, before + report.accepted, () => undefined)
  const toTracker = timesToTracker(report.sentAtMs, await receiver.record(false))
  return {
    ratePerS: options.ratePerS,
    accept: percentiles(report.latenciesMs),
    toTracker: percentiles(toTracker),
  }
}

/** Ms from when each report was sent until its tracker was called; those that never were are left out. */
export function timesToTracker(sentAtMs: Stamped, arrivals: Stamped): number[] {
  const arrivedAt = new Map(arrivals)
  return sentAtMs.flatMap(([id, sentMs]) => {
    const arrivedMs = arrivedAt.get(id)
    return arrivedMs === undefined ? [] : [arrivedMs - sentMs]
  })
}

const DRAIN_STALLED_MS = 60_000

async function drain(receiver: Receiver, wanted: number, progress: (text: string) => void): Promise<number> {
  let calls = await receiver.calls()
  let movedAtMs = performance.now()
  while (calls < wanted && performance.now() - movedAtMs < DRAIN_STALLED_MS) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    const now = await receiver.calls()
    if (now > calls) movedAtMs = performance.now()
    calls = now
    progress(`draining, ${wanted - calls} left`)
  }
  return calls
}

const cpuByKind = (subject: Subject): Record<string, number> =>
  sumByKind(subject.processes(), (pid) => usageOf(pid).cpuS)
const memoryByKind = (subject: Subject): Record<string, number> =>
  sumByKind(subject.processes(), (pid) => usageOf(pid).rssMiB)

function sumByKind(
  processes: readonly RunningProcess[],
  value: (pid: number) => number,
): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const { pid, name } of processes) sums[name] = (sums[name] ?? 0) + value(pid)
  return sums
}

export function percentiles(values: readonly number[]): Percentiles {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return { p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? 0 }
}
